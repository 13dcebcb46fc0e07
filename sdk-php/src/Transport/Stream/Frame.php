<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * The frames of HTTP/2 (RFC 9113), as bytes.
 *
 * @internal
 */
final class Frame
{
    public const DATA = 0;
    public const HEADERS = 1;
    public const RST_STREAM = 3;
    public const SETTINGS = 4;
    public const PUSH_PROMISE = 5;
    public const PING = 6;
    public const GOAWAY = 7;
    public const WINDOW_UPDATE = 8;
    public const CONTINUATION = 9;

    public const END_STREAM = 0x1;
    public const ACK = 0x1;
    public const END_HEADERS = 0x4;
    public const PADDED = 0x8;
    public const PRIORITY = 0x20;

    public const HEADER_BYTES = 9;
    public const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    public const DEFAULT_SIZE = 16_384;
    public const DEFAULT_WINDOW = 65_535;
    public const LARGEST_WINDOW = 0x7FFFFFFF;

    public const SETTING_HEADER_TABLE_SIZE = 1;
    public const SETTING_ENABLE_PUSH = 2;
    public const SETTING_MAX_CONCURRENT_STREAMS = 3;
    public const SETTING_INITIAL_WINDOW_SIZE = 4;
    public const SETTING_MAX_FRAME_SIZE = 5;

    public const NO_ERROR = 0;
    public const REFUSED_STREAM = 7;
    public const CANCEL = 8;
    public const ENHANCE_YOUR_CALM = 11;
    public const INADEQUATE_SECURITY = 12;

    public static function make(int $type, int $flags, int $stream, string $payload): string
    {
        return pack('NCN', \strlen($payload) << 8 | $type, $flags, $stream) . $payload;
    }

    /**
     * @param array<int, int> $settings
     */
    public static function settings(array $settings): string
    {
        $payload = '';
        foreach ($settings as $name => $value) {
            $payload .= pack('nN', $name, $value);
        }

        return self::make(self::SETTINGS, 0, 0, $payload);
    }

    public static function windowUpdate(int $bytes): string
    {
        return self::make(self::WINDOW_UPDATE, 0, 0, pack('N', $bytes));
    }

    public static function reset(int $stream, int $error): string
    {
        return self::make(self::RST_STREAM, 0, $stream, pack('N', $error));
    }

    /** HEADERS, and CONTINUATION for what does not fit into one frame. */
    public static function headers(int $stream, string $block, int $size): string
    {
        if (\strlen($block) <= $size) {
            return self::make(self::HEADERS, self::END_HEADERS, $stream, $block);
        }
        $frames = self::make(self::HEADERS, 0, $stream, substr($block, 0, $size));
        $length = \strlen($block);
        for ($at = $size; $at < $length; $at += $size) {
            $flags = $at + $size >= $length ? self::END_HEADERS : 0;
            $frames .= self::make(self::CONTINUATION, $flags, $stream, substr($block, $at, $size));
        }

        return $frames;
    }

    private function __construct() {}
}
