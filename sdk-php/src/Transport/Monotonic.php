<?php

declare(strict_types=1);

namespace Waybill\Transport;

/**
 * The clock of deadlines: one that nobody sets. By the time of day, which is set at times, a deadline would come an hour late, or at once.
 */
final class Monotonic
{
    /** Seconds since a moment that stays the same for as long as the machine runs, and means nothing else. */
    public static function now(): float
    {
        return hrtime(true) / 1e9;
    }

    private function __construct() {}
}
