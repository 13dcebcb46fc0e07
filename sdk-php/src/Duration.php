<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\InvalidArgumentException;

/** Lengths of time, as this package takes them: seconds (a whole number or a fraction), or a DateInterval. */
final class Duration
{
    /** 10 years: the longest delay and time to live. */
    public const MAX_DELAY_MS = 315_360_000_000;

    /** Throws InvalidArgumentException, naming `$field`, for a length out of range. */
    public static function milliseconds(int|float|\DateInterval $duration, string $field, int $min = 0, int $max = self::MAX_DELAY_MS): int
    {
        $seconds = $duration instanceof \DateInterval ? self::secondsOf($duration) : $duration;
        $milliseconds = is_finite($seconds) ? round($seconds * 1000) : -1.0;
        if ($milliseconds < $min || $milliseconds > $max) {
            throw InvalidArgumentException::option($field, "{$seconds} s", \sprintf('%s to %s seconds', $min / 1000, $max / 1000));
        }

        return (int) $milliseconds;
    }

    /** Whole seconds, rounded up. */
    public static function seconds(int|float|\DateInterval $duration, string $field, int $min, int $max): int
    {
        return (int) ceil(self::milliseconds($duration, $field, $min * 1000, $max * 1000) / 1000);
    }

    /** Months and years count from now, as a DateInterval has no length of its own. */
    private static function secondsOf(\DateInterval $interval): float
    {
        $now = new \DateTimeImmutable('now', new \DateTimeZone('UTC'));
        $then = $now->add($interval);

        return (float) $then->format('U.u') - (float) $now->format('U.u');
    }

    private function __construct() {}
}
