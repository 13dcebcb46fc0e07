<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

/**
 * The delay that a job carries, as `Queueable` keeps it.
 *
 * @internal
 */
final class Delay
{
    public static function of(object $job): \DateTimeInterface|\DateInterval|int|null
    {
        $delay = $job->delay ?? null;

        return match (true) {
            $delay instanceof \DateTimeInterface, $delay instanceof \DateInterval, \is_int($delay) => $delay,
            is_numeric($delay) => (int) $delay,
            default => null,
        };
    }

    private function __construct() {}
}
