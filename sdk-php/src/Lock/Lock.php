<?php

declare(strict_types=1);

namespace Waybill\Lock;

use Waybill\Exception\LockLostException;
use Waybill\Transport\Monotonic;

/** A lock that this process holds. It is not renewed by itself: call `renew` in long work, or take it for long enough. */
final class Lock
{
    private bool $held = true;

    /** As `Monotonic::now` tells it: what `expiresAt` says is the gateway's time, and this machine's may differ. */
    private float $runsOutAt;

    /**
     * @param int $fence higher than that of every holder before: hand it to what the lock protects, which refuses a lower one than it has seen
     *
     * @internal
     */
    public function __construct(
        public readonly string $name,
        public readonly string $token,
        public readonly int $fence,
        private \DateTimeImmutable $expiresAt,
        private readonly int $ttlMs,
        private readonly Locks $locks,
    ) {
        $this->runsOutAt = Monotonic::now() + $ttlMs / 1000;
    }

    /** When it runs out unless it is renewed, by the gateway's clock. */
    public function expiresAt(): \DateTimeImmutable
    {
        return $this->expiresAt;
    }

    /**
     * Holds it for longer: for its time, or `ttl`, from now.
     *
     * @throws LockLostException when it ran out before
     */
    public function renew(int|float|\DateInterval|null $ttl = null): void
    {
        $ttlMs = $ttl === null ? $this->ttlMs : Locks::ttl($ttl);
        $runsOutAt = Monotonic::now() + $ttlMs / 1000;
        $this->expiresAt = $this->locks->renew($this->name, $this->token, $ttlMs);
        $this->runsOutAt = $runsOutAt;
    }

    /** Frees it. Safe twice. False: it ran out before. */
    public function release(): bool
    {
        if (!$this->held) {
            return true;
        }
        $this->held = false;
        $inTime = Monotonic::now() < $this->runsOutAt;

        return $this->locks->release($this->token) ?? $inTime;
    }
}
