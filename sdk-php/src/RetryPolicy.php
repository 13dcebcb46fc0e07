<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\InvalidArgumentException;

/** When and how often a channel tries a message again. It is the channel's, for all its consumers, until another is given. */
final readonly class RetryPolicy
{
    /**
     * The same delay before every retry.
     *
     * @param int $maxRetries after the first attempt, 0 to 1,000; then the message is a dead letter
     */
    public static function fixed(int $maxRetries, int|float|\DateInterval $delay): self
    {
        $backoff = (new V1\FixedBackoff())->setDelayMs(Duration::milliseconds($delay, 'delay'));

        return new self((new V1\RetryPolicy())->setMaxRetries(self::retries($maxRetries))->setFixed($backoff));
    }

    /**
     * A delay that grows: initial × multiplier^(attempt − 1), at most `max`, then varied by `jitter`.
     *
     * @param int $maxRetries after the first attempt, 0 to 1,000; then the message is a dead letter
     * @param float $multiplier 1 to 100
     * @param int|float|\DateInterval|null $max default: 1 hour, or `initial` where that is longer
     * @param float $jitter the share of the delay that is random: a delay d becomes a time between d × (1 − jitter) and d
     */
    public static function exponential(
        int $maxRetries,
        int|float|\DateInterval $initial,
        float $multiplier = 2,
        int|float|\DateInterval|null $max = null,
        float $jitter = 0,
    ): self {
        $backoff = (new V1\ExponentialBackoff())
            ->setInitialMs(Duration::milliseconds($initial, 'initial', 1))
            ->setMultiplier($multiplier)
            ->setMaxMs($max === null ? 0 : Duration::milliseconds($max, 'max', 1))
            ->setJitter($jitter);

        return new self((new V1\RetryPolicy())->setMaxRetries(self::retries($maxRetries))->setExponential($backoff));
    }

    private static function retries(int $maxRetries): int
    {
        if ($maxRetries < 0 || $maxRetries > 1000) {
            throw InvalidArgumentException::option('maxRetries', (string) $maxRetries, 'a whole number from 0 to 1000');
        }

        return $maxRetries;
    }

    /** @internal */
    private function __construct(public V1\RetryPolicy $wire) {}
}
