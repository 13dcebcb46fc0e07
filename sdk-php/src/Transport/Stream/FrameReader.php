<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * Cuts what arrives into frames.
 *
 * @internal
 */
final class FrameReader
{
    private string $buffer = '';

    /**
     * @return list<array{int, int, int, string}> type, flags, stream and payload of the frames that are complete now
     *
     * @throws ProtocolError
     */
    public function read(string $bytes): array
    {
        $buffer = $this->buffer === '' ? $bytes : $this->buffer . $bytes;
        $end = \strlen($buffer);
        $at = 0;
        $frames = [];
        while ($end - $at >= Frame::HEADER_BYTES) {
            $length = \ord($buffer[$at]) << 16 | \ord($buffer[$at + 1]) << 8 | \ord($buffer[$at + 2]);
            if ($length > Frame::DEFAULT_SIZE) {
                throw new ProtocolError('a frame that is too long');
            }
            if ($end - $at < Frame::HEADER_BYTES + $length) {
                break;
            }
            $stream = self::uint32(substr($buffer, $at + 5, 4)) & 0x7FFFFFFF;
            $payload = substr($buffer, $at + Frame::HEADER_BYTES, $length);
            $frames[] = [\ord($buffer[$at + 3]), \ord($buffer[$at + 4]), $stream, $payload];
            $at += Frame::HEADER_BYTES + $length;
        }
        $this->buffer = $at === $end ? '' : substr($buffer, $at);

        return $frames;
    }

    /**
     * @throws ProtocolError
     */
    public static function uint32(string $bytes): int
    {
        if (\strlen($bytes) < 4) {
            throw new ProtocolError('a frame that is too short');
        }

        return \ord($bytes[0]) << 24 | \ord($bytes[1]) << 16 | \ord($bytes[2]) << 8 | \ord($bytes[3]);
    }

    /**
     * @throws ProtocolError
     */
    public static function withoutPadding(string $payload, int $flags): string
    {
        if (($flags & Frame::PADDED) === 0) {
            return $payload;
        }
        $padding = \ord($payload[0] ?? "\0");
        if ($padding >= \strlen($payload)) {
            throw new ProtocolError('a frame of nothing but padding');
        }

        return substr($payload, 1, \strlen($payload) - 1 - $padding);
    }

}
