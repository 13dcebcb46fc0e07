<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/**
 * A pause that a signal ends.
 *
 * @internal
 */
final class Pause
{
    public static function seconds(float $seconds): void
    {
        usleep((int) ($seconds * 1_000_000));
        if (\function_exists('pcntl_signal_dispatch')) {
            pcntl_signal_dispatch();
        }
    }

    private function __construct() {}
}
