<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * The Huffman code of HPACK (RFC 7541, appendix B). The code is canonical: the lengths of its codes say it all.
 *
 * @internal
 */
final class Huffman
{
    /** The symbols by the length of their code in bits, each in rising order; `a-b` is a range. 256 ends nothing: no text holds it. */
    private const SYMBOLS = [
        5 => '48-50 97 99 101 105 111 115 116',
        6 => '32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117',
        7 => '58 66-87 89 106 107 113 118-122',
        8 => '38 42 44 59 88 90',
        10 => '33 34 40 41 63',
        11 => '39 43 124',
        12 => '35 62',
        13 => '0 36 64 91 93 126',
        14 => '94 125',
        15 => '60 96 123',
        19 => '92 195 208',
        20 => '128 130 131 162 184 194 224 226',
        21 => '153 161 167 172 176 177 179 209 216 217 227 229 230',
        22 => '129 132-134 136 146 154 156 160 163 164 169 170 173 178 181 185-187 189 190 196 198 228 232 233',
        23 => '1 135 137-141 143 147 149-152 155 157 158 165 166 168 174 175 180 182 183 188 191 197 231 239',
        24 => '9 142 144 145 148 159 171 206 215 225 236 237',
        25 => '199 207 234 235',
        26 => '192 193 200-202 205 210 213 218 219 238 240 242 243 255',
        27 => '203 204 211 212 214 221-223 241 244-248 250-254',
        28 => '2-8 11 12 14-21 23-31 127 220 249',
        30 => '10 13 22 256',
    ];

    private const LONGEST = 30;

    /** @var array<int, array<int, string>>|null by the length of the code, then by the code */
    private static ?array $byLength = null;

    /**
     * @throws ProtocolError
     */
    public static function decode(string $bytes): string
    {
        $codes = self::$byLength ??= self::codes();
        $text = '';
        $code = 0;
        $length = 0;
        foreach (str_split($bytes) as $byte) {
            $byte = \ord($byte);
            for ($bit = 7; $bit >= 0; --$bit) {
                $code = $code << 1 | ($byte >> $bit & 1);
                $symbol = $codes[++$length][$code] ?? null;
                if ($symbol !== null) {
                    $text .= $symbol;
                    $code = $length = 0;
                } elseif ($length === self::LONGEST) {
                    throw new ProtocolError('a header with a code that is none');
                }
            }
        }
        // The rest of the last byte is filled with ones.
        if ($length > 7 || $code !== (1 << $length) - 1) {
            throw new ProtocolError('a header that ends in the middle of a code');
        }

        return $text;
    }

    /**
     * @return array<int, array<int, string>>
     */
    private static function codes(): array
    {
        $codes = [];
        $next = 0;
        $last = 0;
        foreach (self::SYMBOLS as $length => $symbols) {
            $next <<= $length - $last;
            $last = $length;
            foreach (explode(' ', $symbols) as $range) {
                [$from, $to] = explode('-', "{$range}-{$range}");
                for ($symbol = (int) $from; $symbol <= min((int) $to, 255); ++$symbol) {
                    $codes[$length][$next++] = \chr($symbol);
                }
            }
        }

        return $codes;
    }

    private function __construct() {}
}
