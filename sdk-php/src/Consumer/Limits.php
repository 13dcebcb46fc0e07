<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Transport\Monotonic;

/**
 * How much a consumer does before it ends.
 *
 * @internal
 */
final readonly class Limits
{
    private float $until;

    public function __construct(private ConsumeOptions $options)
    {
        $this->until = $options->maxSeconds === null ? \INF : Monotonic::now() + $options->maxSeconds;
    }

    /** Which limit is reached, if one is. */
    public function reached(int $handled): ?StopReason
    {
        return match (true) {
            $this->options->maxMessages !== null && $handled >= $this->options->maxMessages => StopReason::MessageLimit,
            Monotonic::now() >= $this->until => StopReason::TimeLimit,
            $this->options->maxMemoryMiB !== null && memory_get_usage(true) >= $this->options->maxMemoryMiB << 20 => StopReason::MemoryLimit,
            default => null,
        };
    }

    /** How many messages to ask for: no more than are allowed. */
    public function batch(int $batch, int $handled): int
    {
        return $this->options->maxMessages === null ? $batch : max(1, min($batch, $this->options->maxMessages - $handled));
    }

    /** How long to wait for messages: no longer than there is time. */
    public function wait(float $seconds): float
    {
        return min($seconds, max(0.0, $this->until - Monotonic::now()));
    }
}
