<?php

declare(strict_types=1);

namespace Waybill\Rpc;

/**
 * `google.rpc.ErrorInfo`, as the gateway fills it.
 *
 * Read by hand: the published classes are in a package of hundreds of others, and a copy of them here would clash with it.
 *
 * @internal
 */
final readonly class ErrorInfo
{
    private const TYPE = '/google.rpc.ErrorInfo';

    /**
     * @param array<string, string> $metadata
     */
    private function __construct(
        public string $reason,
        public string $domain,
        public array $metadata,
    ) {}

    /** In the bytes of a `google.rpc.Status`. Null when there is none, or the bytes are no status: what some proxy put there must not hide the error itself. */
    public static function find(string $status): ?self
    {
        foreach (self::fields($status)[3] ?? [] as $any) {
            $any = self::fields($any);
            if (str_ends_with($any[1][0] ?? '', self::TYPE)) {
                return self::read($any[2][0] ?? '');
            }
        }

        return null;
    }

    private static function read(string $bytes): self
    {
        $fields = self::fields($bytes);
        $metadata = [];
        foreach ($fields[3] ?? [] as $entry) {
            $entry = self::fields($entry);
            $metadata[$entry[1][0] ?? ''] = $entry[2][0] ?? '';
        }

        return new self($fields[1][0] ?? '', $fields[2][0] ?? '', $metadata);
    }

    /**
     * The fields that have a length: strings and messages. Those before the first fault, where the bytes are no message.
     *
     * @return array<int, list<string>>
     */
    private static function fields(string $bytes): array
    {
        $fields = [];
        $at = 0;
        $end = \strlen($bytes);
        while ($at < $end) {
            $tag = self::varint($bytes, $at);
            $length = match ($tag & 7) {
                0 => self::varint($bytes, $at) * 0,
                1 => 8,
                2 => self::varint($bytes, $at),
                5 => 4,
                default => $end,
            };
            if ($length < 0 || $at + $length > $end) {
                break;
            }
            if (($tag & 7) === 2) {
                $fields[$tag >> 3][] = substr($bytes, $at, $length);
            }
            $at += $length;
        }

        return $fields;
    }

    private static function varint(string $bytes, int &$at): int
    {
        $value = 0;
        for ($shift = 0; $shift < 63 && $at < \strlen($bytes); $shift += 7) {
            $byte = \ord($bytes[$at++]);
            $value |= ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                break;
            }
        }

        return $value;
    }
}
