<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Delivery;
use Waybill\RetryPolicy;

/** A channel that is consumed, and who handles its messages. */
final readonly class Source
{
    /**
     * @param string $topic or a pattern: words parted by dots, `*` for one word, `#` for any number
     * @param \Closure(Delivery): mixed $handler
     * @param int|float|\DateInterval|null $lease Default: that of the options
     * @param RetryPolicy|null $retry replaces the channel's retry policy, for all its consumers. Default: that of the options
     */
    public function __construct(
        public string $topic,
        public string $channel,
        public \Closure $handler,
        public int|float|\DateInterval|null $lease = null,
        public ?RetryPolicy $retry = null,
    ) {}
}
