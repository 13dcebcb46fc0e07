<?php

declare(strict_types=1);

namespace Waybill\Publish;

/**
 * UUIDv7: the time in milliseconds, then chance, then four hex digits that count.
 *
 * Ids made one shortly after the other differ in those four only: the gateway remembers them by one mark, as a range, instead of by a
 * mark each.
 *
 * @internal
 */
final class MessageId
{
    /** For how long ids share what is before the four digits, in milliseconds: about as long as a batch takes to fill. */
    private const RUN = 10;

    private static string $stem = '';

    private static int $began = 0;

    private static int $count = 0;

    private static int $process = 0;

    public static function make(): string
    {
        $now = (int) (microtime(true) * 1000);
        $age = $now - self::$began;
        // A clock may be set back; and a process that was forked must not go on with its parent's run.
        if ($age < 0 || $age >= self::RUN || self::$count > 0xFFFF || self::$process !== getmypid()) {
            self::begin($now);
        }

        return self::$stem . \sprintf('%04x', self::$count++);
    }

    private static function begin(int $now): void
    {
        $hex = \sprintf('%012x', $now) . bin2hex(random_bytes(8));
        $hex[12] = '7';
        $hex[16] = '89ab'[hexdec($hex[16]) & 3];
        self::$stem = substr($hex, 0, 8) . '-' . substr($hex, 8, 4) . '-' . substr($hex, 12, 4) . '-' . substr($hex, 16, 4) . '-' . substr($hex, 20, 8);
        self::$began = $now;
        self::$count = 0;
        self::$process = (int) getmypid();
    }

    private function __construct() {}
}
