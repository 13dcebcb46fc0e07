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
 * Between the messages of the wire and the values of this package.
 *
 * @internal
 */
final class Convert
{
    public static function delivery(V1\Delivery $wire, Settling $settling): Delivery
    {
        return new Delivery(
            self::message($wire->getMessage() ?? new V1\Message()),
            $wire->getReceipt(),
            $wire->getAttempt(),
            self::time((int) $wire->getLeaseDeadlineMs()),
            $settling,
        );
    }

    public static function message(V1\Message $wire): Message
    {
        $headers = [];
        foreach ($wire->getHeaders() as $name => $value) {
            if (\is_string($value)) {
                // PHP makes a number of a key that looks like one.
                $headers[\is_string($name) || \is_int($name) ? (string) $name : ''] = $value;
            }
        }

        return new Message(
            $wire->getId(),
            $wire->getTopic(),
            $wire->getBody(),
            $wire->getKey(),
            $headers,
            self::time((int) $wire->getPublishTimeMs()),
        );
    }

    public static function settleResult(V1\SettleResult $wire): SettleResult
    {
        return new SettleResult($wire->getReceipt(), match ($wire->getStatus()) {
            V1\SettleStatus::SETTLE_STATUS_OK => SettleStatus::Ok,
            V1\SettleStatus::SETTLE_STATUS_STALE => SettleStatus::Stale,
            default => SettleStatus::Unknown,
        });
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

    private function __construct() {}
}
