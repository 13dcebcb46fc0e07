<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\InvalidArgumentException;

/**
 * The three kinds of protobuf field that a publish request has.
 *
 * Written by hand as google/protobuf in PHP takes 25 µs to encode a message, and this 2 µs: that was most of what publishing many cost.
 *
 * @internal
 */
final class Wire
{
    /** Nothing for 0, which is what a reader assumes. */
    public static function int(int $number, int $value): string
    {
        return $value === 0 ? '' : \chr($number << 3) . self::varint($value);
    }

    /** Nothing for an empty one, too. */
    public static function bytes(int $number, string $value): string
    {
        return $value === '' ? '' : self::message($number, $value);
    }

    /**
     * Protobuf's strings are UTF-8, and a gateway refuses a whole request for one that is not.
     *
     * @throws InvalidArgumentException
     */
    public static function text(int $number, string $value, string $field): string
    {
        if ($value !== '' && preg_match('//u', $value) !== 1) {
            throw InvalidArgumentException::option($field, 'not UTF-8', 'text in UTF-8');
        }

        return self::bytes($number, $value);
    }

    public static function message(int $number, string $bytes): string
    {
        return \chr($number << 3 | 2) . self::varint(\strlen($bytes)) . $bytes;
    }

    private static function varint(int $value): string
    {
        $bytes = '';
        for (; $value > 0x7F; $value >>= 7) {
            $bytes .= \chr($value & 0x7F | 0x80);
        }

        return $bytes . \chr($value);
    }

    private function __construct() {}
}
