<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Psr\Log\LoggerInterface;
use Psr\Log\NullLogger;
use Waybill\Delivery;
use Waybill\Exception\InvalidArgumentException;
use Waybill\RetryPolicy;

/** How a channel is consumed. Lengths of time are seconds, as a whole number or a fraction, or a DateInterval. */
final readonly class ConsumeOptions
{
    /**
     * @param int $batch the most messages that are taken at a time, 1 to 1,000; they are handled one by one, and settled together. 1 for long work
     * @param int|float|\DateInterval $lease how long a message is this consumer's unless it is extended: 1 s to 24 h. It comes again that long after this process died
     * @param bool $extend holds the lease of what is being handled, however long that takes, up to `handlerLimit`
     * @param int|float|\DateInterval $handlerLimit the longest that one message is held: after it, its lease may end and another consumer gets it
     * @param int|float|\DateInterval $wait how long one call waits for a message before the next is made: 0 to 1 h
     * @param RetryPolicy|null $retry replaces the channel's retry policy, for all its consumers. Default: it stays as it is
     * @param int|null $maxMessages ends after so many
     * @param int|float|null $maxSeconds ends after so long; a handler is not interrupted
     * @param int|null $maxMemoryMiB ends when PHP uses so much, so that a supervisor starts it afresh
     * @param bool $stopWhenEmpty ends when nothing came for a second
     * @param (\Closure(): bool)|null $until asked before each batch: true ends it
     * @param (\Closure(): bool)|null $paused asked before each batch: while true nothing is taken, as in a time of maintenance
     * @param list<int> $signals that end it, after the handler that runs; without pcntl, none do. Default: SIGTERM, SIGINT and SIGQUIT
     * @param list<Middleware> $middleware around every handler, outermost first
     * @param (\Closure(\Throwable, Delivery): void)|null $onError hears what a handler threw
     * @param LoggerInterface $logger hears what the consumer itself has to say
     */
    public function __construct(
        public int $batch = 10,
        public int|float|\DateInterval $lease = 60,
        public bool $extend = true,
        public int|float|\DateInterval $handlerLimit = 3600,
        public int|float|\DateInterval $wait = 20,
        public ?RetryPolicy $retry = null,
        public ?int $maxMessages = null,
        public int|float|null $maxSeconds = null,
        public ?int $maxMemoryMiB = null,
        public bool $stopWhenEmpty = false,
        public ?\Closure $until = null,
        public ?\Closure $paused = null,
        public array $signals = [15, 2, 3],
        public array $middleware = [],
        public ?\Closure $onError = null,
        public LoggerInterface $logger = new NullLogger(),
    ) {
        if ($batch < 1 || $batch > 1000) {
            throw InvalidArgumentException::option('batch', (string) $batch, 'a whole number from 1 to 1000');
        }
    }
}
