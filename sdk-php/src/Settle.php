<?php

declare(strict_types=1);

namespace Waybill;

use Google\Protobuf\Internal\Message;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Rpc\Wire;

/**
 * The settling calls, in parts of what one call takes.
 *
 * @internal
 */
final class Settle implements Settling
{
    /** What one request takes. */
    private const RECEIPTS = 10_000;

    private const REASON_CHARACTERS = 1024;

    public function __construct(private readonly Rpc $rpc) {}

    public function ack(array $receipts): array
    {
        return $this->call('Ack', $receipts, new V1\AckRequest());
    }

    public function nack(array $receipts, int|float|\DateInterval|null $delay = null, string $reason = '', bool $unhandled = false): array
    {
        $request = (new V1\NackRequest())->setReason(self::cut($reason))->setUnhandled($unhandled);
        if ($delay !== null) {
            $request->setDelayMs(Duration::milliseconds($delay, 'delay'));
        }

        return $this->call('Nack', $receipts, $request);
    }

    public function extend(array $receipts, int|float|\DateInterval|null $lease = null): array
    {
        $seconds = $lease === null ? 0 : Duration::seconds($lease, 'lease', 1, 86_400);

        return $this->call('Extend', $receipts, (new V1\ExtendRequest())->setLeaseSeconds($seconds));
    }

    public function reject(array $receipts, string $reason = ''): array
    {
        return $this->call('Reject', $receipts, (new V1\RejectRequest())->setReason(self::cut($reason)));
    }

    /**
     * @param list<string> $receipts the first field of every settling request
     * @param Message $rest its other fields
     *
     * @return list<SettleResult>
     */
    private function call(string $method, array $receipts, Message $rest): array
    {
        $rest = $rest->serializeToString();
        $results = [];
        foreach (array_chunk($receipts, self::RECEIPTS) as $part) {
            $answer = $this->rpc->send("/waybill.v1.Bus/{$method}", Wire::texts(1, $part, 'receipts') . $rest, Repeat::Safe);
            $results[] = Rpc::decode(static fn() => Convert::settleResults($answer));
        }

        return array_merge(...$results);
    }

    /** A reason is an exception's message as a rule, and such may be any bytes: the wire takes UTF-8 alone. */
    private static function cut(string $reason): string
    {
        $valid = preg_match('//u', $reason) === 1 ? $reason : preg_replace('/[^\x20-\x7E]/', '?', $reason) ?? '';

        return preg_match('/^.{0,' . self::REASON_CHARACTERS . '}/us', $valid, $match) === 1 ? $match[0] : '';
    }
}
