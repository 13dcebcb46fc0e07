<?php

declare(strict_types=1);

namespace Waybill\Lock;

use Waybill\ConnectOptions;
use Waybill\Duration;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\LockHeldException;
use Waybill\Exception\LockLostException;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\V1;

/** Distributed locks: at most one holder a name, over all gateways. Lengths of time are seconds, or a DateInterval. */
final class Locks
{
    private const MIN_TTL_MS = 100;
    private const MAX_TTL_MS = 86_400_000;
    private const MAX_WAIT_MS = 3_600_000;

    /**
     * @internal
     */
    public function __construct(
        private readonly Rpc $rpc,
        private readonly ConnectOptions $options,
    ) {}

    /**
     * Takes a lock; null when somebody else has it for all of `wait`.
     *
     * @param string $name 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`
     * @param int|float|\DateInterval $ttl how long it is held unless it is renewed: 0.1 s to 24 h
     * @param int|float|\DateInterval $wait up to 1 h; 0 tries once
     */
    public function tryAcquire(string $name, int|float|\DateInterval $ttl, int|float|\DateInterval $wait = 0): ?Lock
    {
        $ttlMs = self::ttl($ttl);
        $waitMs = Duration::milliseconds($wait, 'wait', 0, self::MAX_WAIT_MS);
        $request = (new V1\AcquireRequest())->setName($name)->setTtlMs($ttlMs)->setWaitMs($waitMs);
        $seconds = $waitMs / 1000 + $this->options->deadline;
        // Sent twice, the second would wait for the first one's lock.
        $response = $this->rpc->call('/waybill.v1.Locks/Acquire', $request, new V1\AcquireResponse(), Repeat::Unsafe, $seconds);
        $lock = $response->getLock();
        if (!$response->getAcquired() || $lock === null) {
            return null;
        }
        $expiresAt = Convert::time((int) $lock->getExpireTimeMs());

        return new Lock($lock->getName(), $lock->getToken(), (int) $lock->getFence(), $expiresAt, $ttlMs, $this);
    }

    /**
     * As `tryAcquire`.
     *
     * @throws LockHeldException when somebody else has it for all of `wait`
     */
    public function acquire(string $name, int|float|\DateInterval $ttl, int|float|\DateInterval $wait = 0): Lock
    {
        return $this->tryAcquire($name, $ttl, $wait) ?? throw LockHeldException::of($name);
    }

    /**
     * @internal
     */
    public function renew(string $name, string $token, int $ttlMs): \DateTimeImmutable
    {
        $request = (new V1\RenewRequest())->setToken($token)->setTtlMs($ttlMs);
        try {
            $response = $this->rpc->call('/waybill.v1.Locks/Renew', $request, new V1\RenewResponse(), Repeat::Safe);
        } catch (FailedPreconditionException $exception) {
            throw LockLostException::of($name, $exception);
        }

        return Convert::time((int) $response->getExpireTimeMs());
    }

    /**
     * Whether the lock was held until now. Null: that is not known, as a try whose answer was lost may have released it before.
     *
     * @internal
     */
    public function release(string $token): ?bool
    {
        $request = (new V1\ReleaseRequest())->setToken($token);
        $known = true;
        $response = $this->rpc->call('/waybill.v1.Locks/Release', $request, new V1\ReleaseResponse(), Repeat::Safe, known: $known);
        $released = $response->getReleased();

        return $released || $known ? $released : null;
    }

    /**
     * In milliseconds.
     *
     * @internal
     */
    public static function ttl(int|float|\DateInterval $ttl): int
    {
        return Duration::milliseconds($ttl, 'ttl', self::MIN_TTL_MS, self::MAX_TTL_MS);
    }
}
