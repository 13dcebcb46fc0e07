<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * HPACK (RFC 7541) without a dynamic table: this client allows the peer a table of size 0, and uses none itself. So a block of
 * headers means the same wherever it stands, and what was decoded once is looked up when it comes again: nearly always.
 *
 * @internal
 */
final class Hpack
{
    private const STATIC = [
        1 => [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'], [':scheme', 'http'],
        [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'], [':status', '304'], [':status', '400'],
        [':status', '404'], [':status', '500'], ['accept-charset', ''], ['accept-encoding', 'gzip, deflate'], ['accept-language', ''],
        ['accept-ranges', ''], ['accept', ''], ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''],
        ['cache-control', ''], ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
        ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''], ['expect', ''],
        ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''], ['if-none-match', ''], ['if-range', ''],
        ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''], ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''],
        ['proxy-authorization', ''], ['range', ''], ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
        ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''], ['www-authenticate', ''],
    ];

    private const REMEMBERED = 64;
    private const REMEMBERED_BYTES = 1024;

    /** @var array<string, array<string, string>> */
    private array $decoded = [];

    /** A header that no proxy on the way may keep, either: it may be a secret. */
    public static function encode(string $name, string $value): string
    {
        return "\x10" . self::text($name) . self::text($value);
    }

    /**
     * @return array<string, string> by name; the values of a name that comes more than once are joined by commas
     *
     * @throws ProtocolError
     */
    public function decode(string $block): array
    {
        if (isset($this->decoded[$block])) {
            return $this->decoded[$block];
        }
        $headers = self::parse($block);
        if (\strlen($block) <= self::REMEMBERED_BYTES) {
            if (\count($this->decoded) >= self::REMEMBERED) {
                $this->decoded = [];
            }
            $this->decoded[$block] = $headers;
        }

        return $headers;
    }

    /**
     * @return array<string, string>
     */
    private static function parse(string $block): array
    {
        $headers = [];
        $at = 0;
        while ($at < \strlen($block)) {
            $first = \ord($block[$at]);
            if (($first & 0xE0) === 0x20) {
                if (self::integer($block, $at, 5) !== 0) {
                    throw new ProtocolError('a header table larger than allowed');
                }
                continue;
            }
            if (($first & 0x80) !== 0) {
                [$name, $value] = self::entry(self::integer($block, $at, 7));
            } else {
                $index = self::integer($block, $at, ($first & 0x40) !== 0 ? 6 : 4);
                $name = $index === 0 ? self::string($block, $at) : self::entry($index)[0];
                $value = self::string($block, $at);
            }
            $headers[$name] = isset($headers[$name]) ? "{$headers[$name]},{$value}" : $value;
        }

        return $headers;
    }

    /**
     * @return array{string, string}
     */
    private static function entry(int $index): array
    {
        return self::STATIC[$index] ?? throw new ProtocolError("header {$index} of a table that has none");
    }

    private static function string(string $block, int &$at): string
    {
        $coded = $at < \strlen($block) && (\ord($block[$at]) & 0x80) !== 0;
        $length = self::integer($block, $at, 7);
        if ($at + $length > \strlen($block)) {
            throw new ProtocolError('a header that is cut off');
        }
        $text = substr($block, $at, $length);
        $at += $length;

        return $coded ? Huffman::decode($text) : $text;
    }

    /** An integer in the low `$bits` of a byte, and in the bytes after it when it does not fit. */
    private static function integer(string $block, int &$at, int $bits): int
    {
        $full = (1 << $bits) - 1;
        $value = self::byte($block, $at) & $full;
        if ($value < $full) {
            return $value;
        }
        for ($shift = 0; $shift <= 28; $shift += 7) {
            $byte = self::byte($block, $at);
            $value += ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                return $value;
            }
        }

        throw new ProtocolError('a header of an impossible length');
    }

    private static function byte(string $block, int &$at): int
    {
        if ($at >= \strlen($block)) {
            throw new ProtocolError('a header that is cut off');
        }

        return \ord($block[$at++]);
    }

    private static function text(string $text): string
    {
        $length = \strlen($text);
        if ($length < 127) {
            return \chr($length) . $text;
        }
        $bytes = "\x7F";
        for ($rest = $length - 127; $rest >= 128; $rest >>= 7) {
            $bytes .= \chr($rest & 0x7F | 0x80);
        }

        return $bytes . \chr($rest) . $text;
    }
}
