<?php

declare(strict_types=1);

namespace Waybill;

/** How messages are taken. Lengths of time are seconds, as a whole number or a fraction, or a DateInterval. */
final readonly class PullOptions
{
    /**
     * @param int $max the most messages to take, 1 to 1,000
     * @param int|float|\DateInterval|null $lease how long they may stay unsettled: 1 s to 24 h, in whole seconds. Default: the gateway's `MaxJobRunningSeconds`
     * @param int|float|\DateInterval $wait the longest wait for a first message: 0 to 1 h
     * @param RetryPolicy|null $retry replaces the channel's retry policy, for all its consumers. Default: it stays as it is
     */
    public function __construct(
        public int $max = 1,
        public int|float|\DateInterval|null $lease = null,
        public int|float|\DateInterval $wait = 20,
        public ?RetryPolicy $retry = null,
    ) {}

    public function withMax(int $max): self
    {
        return new self($max, $this->lease, $this->wait, $this->retry);
    }

    public function withLease(int|float|\DateInterval $lease): self
    {
        return new self($this->max, $lease, $this->wait, $this->retry);
    }

    public function withWait(int|float|\DateInterval $wait): self
    {
        return new self($this->max, $this->lease, $wait, $this->retry);
    }

    public function withRetry(RetryPolicy $retry): self
    {
        return new self($this->max, $this->lease, $this->wait, $retry);
    }
}
