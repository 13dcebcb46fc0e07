<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Waybill\Client;
use Waybill\Delivery;
use Waybill\Exception\CancelledException;
use Waybill\PullOptions;
use Waybill\RetryPolicy;

/**
 * Takes jobs for a worker: decides how long it waits for one, and gives a queue its channel with the first.
 *
 * @internal
 */
final class JobSource
{
    /** Seconds: the gateway opens the channel meanwhile. */
    private const FIRST_WAIT = 0.5;
    private const SHORT_WAIT = 0.05;
    private const PARKED_WAIT = 5;

    /** @var array<string, true> topics whose channel has the retry policy */
    private array $prepared = [];

    private ?string $lastTopic = null;
    private bool $lastHit = false;

    public function __construct(
        private readonly Client $client,
        private readonly QueueOptions $options,
        private readonly QueueDepth $depth,
    ) {}

    /**
     * Null when there is none for now, or when the worker has to end.
     *
     * @param bool $several whether the worker has other queues, too
     * @param \Closure(): bool $ending
     */
    public function next(string $topic, bool $several, \Closure $ending): ?Delivery
    {
        $wait = $this->waitFor($topic, $several);
        $this->lastTopic = $topic;
        try {
            $deliveries = $this->take($topic, $wait, $ending);
        } catch (CancelledException) {
            return null;
        }
        $this->lastHit = $deliveries !== [];

        return $deliveries[0] ?? null;
    }

    /**
     * A worker of one queue waits at the gateway. One of several asks for each in turn: it must not wait for one while another has work,
     * and where none has, a short wait lets the gateway bring what there is. After a job of the first it asks the first again.
     */
    private function waitFor(string $topic, bool $several): float
    {
        $alone = !$several && $this->lastTopic === $topic && \count($this->prepared) <= 1;

        return match (true) {
            !isset($this->prepared[$topic]) => max(self::FIRST_WAIT, $alone ? $this->options->blockFor : 0),
            $alone => $this->options->blockFor,
            $this->lastHit && $this->lastTopic !== $topic => 0,
            default => self::SHORT_WAIT,
        };
    }

    /**
     * @param \Closure(): bool $ending
     *
     * @return list<Delivery>
     */
    private function take(string $topic, float $wait, \Closure $ending): array
    {
        $first = !isset($this->prepared[$topic]);
        $pull = new PullOptions(1, $this->options->retryAfter, $wait, $first ? RetryPolicy::fixed(WaybillQueue::MAX_RETRIES, 0) : null);
        $deliveries = $this->client->pull($topic, $this->options->channel, $pull, $ending);
        $this->prepared[$topic] = true;
        if ($first && $deliveries === [] && $this->depth->parked($topic) > 0) {
            // Jobs that were dispatched before there was any worker are on their way to the channel that this one has just made.
            $deliveries = $this->client->pull($topic, $this->options->channel, $pull->withWait(self::PARKED_WAIT), $ending);
        }

        return $deliveries;
    }
}
