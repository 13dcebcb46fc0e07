<?php

declare(strict_types=1);

namespace Waybill\Rpc;

/**
 * Reads the fields of one protobuf message.
 *
 *     while (($tag = $reader->tag()) !== 0) {
 *         match ($tag) { … };   // one of int, bytes, message or skip
 *     }
 *
 * @internal
 */
final class WireReader
{
    private const VARINT = 0;
    private const FIXED_64 = 1;
    private const BYTES = 2;
    private const FIXED_32 = 5;

    private readonly int $end;

    public function __construct(private readonly string $bytes, private int $at = 0, ?int $end = null)
    {
        $this->end = $end ?? \strlen($bytes);
    }

    /** The next field's number × 8 + its wire type; 0 when there is none. */
    public function tag(): int
    {
        if ($this->at === $this->end) {
            return 0;
        }
        $tag = $this->int();

        return $tag > 7 ? $tag : throw new \UnexpectedValueException('a field without a number');
    }

    public function int(): int
    {
        // One byte, as most are.
        if ($this->at < $this->end && ($byte = \ord($this->bytes[$this->at])) < 0x80) {
            ++$this->at;

            return $byte;
        }
        $value = 0;
        for ($shift = 0; $shift < 70; $shift += 7) {
            if ($this->at >= $this->end) {
                throw new \UnexpectedValueException('a number that is cut off');
            }
            $byte = \ord($this->bytes[$this->at++]);
            $value |= ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                return $value;
            }
        }

        throw new \UnexpectedValueException('a number that is too long');
    }

    public function bytes(): string
    {
        $length = $this->int();
        $this->pass($length);

        return substr($this->bytes, $this->at - $length, $length);
    }

    /** The field as a message of its own. */
    public function message(): self
    {
        $length = $this->int();
        $this->pass($length);

        return new self($this->bytes, $this->at - $length, $this->at);
    }

    /** Passes over a field that is not known here. */
    public function skip(int $tag): void
    {
        match ($tag & 7) {
            self::VARINT => $this->int(),
            self::FIXED_64 => $this->pass(8),
            self::BYTES => $this->pass($this->int()),
            self::FIXED_32 => $this->pass(4),
            default => throw new \UnexpectedValueException('a field of no known type'),
        };
    }

    private function pass(int $length): void
    {
        if ($length < 0 || $length > $this->end - $this->at) {
            throw new \UnexpectedValueException('a field that is cut off');
        }
        $this->at += $length;
    }
}
