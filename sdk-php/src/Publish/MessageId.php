<?php

declare(strict_types=1);

namespace Waybill\Publish;

/**
 * UUIDv7: the time in milliseconds, then chance.
 *
 * @internal
 */
final class MessageId
{
    public static function make(): string
    {
        $hex = \sprintf('%012x', (int) (microtime(true) * 1000)) . bin2hex(random_bytes(10));
        $hex[12] = '7';
        $hex[16] = '89ab'[hexdec($hex[16]) & 3];

        return substr($hex, 0, 8) . '-' . substr($hex, 8, 4) . '-' . substr($hex, 12, 4) . '-' . substr($hex, 16, 4) . '-' . substr($hex, 20);
    }

    private function __construct() {}
}
