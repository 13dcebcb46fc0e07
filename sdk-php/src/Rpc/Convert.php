<?php

declare(strict_types=1);

namespace Waybill\Rpc;

use Waybill\Delivery;
use Waybill\Message;
use Waybill\SettleResult;
use Waybill\SettleStatus;
use Waybill\Settling;
use Waybill\V1;

/**
 * Between the messages of the wire and the values of this package. Fields are known by their tags: number × 8 + wire type.
 *
 * @internal
 */
final class Convert
{
    /**
     * @param string $answer a `waybill.v1.PullResponse`
     *
     * @return list<Delivery>
     */
    public static function deliveries(string $answer, Settling $settling): array
    {
        $deliveries = [];
        $reader = new WireReader($answer);
        while (($tag = $reader->tag()) !== 0) {
            match ($tag) {
                0x0A => $deliveries[] = self::delivery($reader->message(), $settling),
                default => $reader->skip($tag),
            };
        }

        return $deliveries;
    }

    /**
     * @param string $answer what any of the settling calls answers: their responses are alike
     *
     * @return list<SettleResult>
     */
    public static function settleResults(string $answer): array
    {
        $results = [];
        $reader = new WireReader($answer);
        while (($tag = $reader->tag()) !== 0) {
            match ($tag) {
                0x0A => $results[] = self::settleResult($reader->message()),
                default => $reader->skip($tag),
            };
        }

        return $results;
    }

    /** Unix milliseconds as a time in UTC. */
    public static function time(int $milliseconds): \DateTimeImmutable
    {
        $time = \DateTimeImmutable::createFromFormat('U.v', \sprintf('%d.%03d', intdiv($milliseconds, 1000), $milliseconds % 1000));

        return $time === false ? new \DateTimeImmutable('@0') : $time;
    }

    public static function milliseconds(\DateTimeInterface $time): int
    {
        return (int) $time->format('Uv');
    }

    private static function delivery(WireReader $wire, Settling $settling): Delivery
    {
        $receipt = '';
        $message = null;
        $attempt = $leaseDeadlineMs = 0;
        while (($tag = $wire->tag()) !== 0) {
            match ($tag) {
                0x0A => $receipt = $wire->bytes(),
                0x12 => $message = self::message($wire->message()),
                0x18 => $attempt = $wire->int(),
                0x20 => $leaseDeadlineMs = $wire->int(),
                default => $wire->skip($tag),
            };
        }

        return new Delivery($message ?? self::message(new WireReader('')), $receipt, $attempt, self::time($leaseDeadlineMs), $settling);
    }

    private static function message(WireReader $wire): Message
    {
        $id = $topic = $body = $key = '';
        $headers = [];
        $publishTimeMs = 0;
        while (($tag = $wire->tag()) !== 0) {
            match ($tag) {
                0x0A => $id = $wire->bytes(),
                0x12 => $topic = $wire->bytes(),
                0x1A => $body = $wire->bytes(),
                0x22 => self::addHeader($headers, $wire->message()),
                0x2A => $key = $wire->bytes(),
                0x48 => $publishTimeMs = $wire->int(),
                default => $wire->skip($tag),
            };
        }

        return new Message($id, $topic, $body, $key, $headers, self::time($publishTimeMs));
    }

    /**
     * @param array<string, string> $headers PHP makes a number of a name that looks like one
     */
    private static function addHeader(array &$headers, WireReader $wire): void
    {
        $name = $value = '';
        while (($tag = $wire->tag()) !== 0) {
            match ($tag) {
                0x0A => $name = $wire->bytes(),
                0x12 => $value = $wire->bytes(),
                default => $wire->skip($tag),
            };
        }
        $headers[$name] = $value;
    }

    private static function settleResult(WireReader $wire): SettleResult
    {
        $receipt = '';
        $status = 0;
        while (($tag = $wire->tag()) !== 0) {
            match ($tag) {
                0x0A => $receipt = $wire->bytes(),
                0x10 => $status = $wire->int(),
                default => $wire->skip($tag),
            };
        }

        return new SettleResult($receipt, match ($status) {
            V1\SettleStatus::SETTLE_STATUS_OK => SettleStatus::Ok,
            V1\SettleStatus::SETTLE_STATUS_STALE => SettleStatus::Stale,
            default => SettleStatus::Unknown,
        });
    }

    private function __construct() {}
}
