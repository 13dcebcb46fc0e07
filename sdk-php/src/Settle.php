<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;

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
        return $this->parts($receipts, fn(array $part) => $this->rpc->call(
            '/waybill.v1.Bus/Ack',
            (new V1\AckRequest())->setReceipts($part),
            new V1\AckResponse(),
            Repeat::Safe,
        ));
    }

    public function nack(array $receipts, int|float|\DateInterval|null $delay = null, string $reason = ''): array
    {
        $delayMs = $delay === null ? null : Duration::milliseconds($delay, 'delay');

        return $this->parts($receipts, function (array $part) use ($delayMs, $reason): V1\NackResponse {
            $request = (new V1\NackRequest())->setReceipts($part)->setReason(self::cut($reason));
            if ($delayMs !== null) {
                $request->setDelayMs($delayMs);
            }

            return $this->rpc->call('/waybill.v1.Bus/Nack', $request, new V1\NackResponse(), Repeat::Safe);
        });
    }

    public function extend(array $receipts, int|float|\DateInterval|null $lease = null): array
    {
        $seconds = $lease === null ? 0 : Duration::seconds($lease, 'lease', 1, 86_400);

        return $this->parts($receipts, fn(array $part) => $this->rpc->call(
            '/waybill.v1.Bus/Extend',
            (new V1\ExtendRequest())->setReceipts($part)->setLeaseSeconds($seconds),
            new V1\ExtendResponse(),
            Repeat::Safe,
        ));
    }

    public function reject(array $receipts, string $reason = ''): array
    {
        return $this->parts($receipts, fn(array $part) => $this->rpc->call(
            '/waybill.v1.Bus/Reject',
            (new V1\RejectRequest())->setReceipts($part)->setReason(self::cut($reason)),
            new V1\RejectResponse(),
            Repeat::Safe,
        ));
    }

    /**
     * @param list<string> $receipts
     * @param \Closure(list<string>): (V1\AckResponse|V1\NackResponse|V1\ExtendResponse|V1\RejectResponse) $settle
     *
     * @return list<SettleResult>
     */
    private function parts(array $receipts, \Closure $settle): array
    {
        $results = [];
        foreach (array_chunk($receipts, self::RECEIPTS) as $part) {
            foreach ($settle($part)->getResults() as $result) {
                if ($result instanceof V1\SettleResult) {
                    $results[] = Convert::settleResult($result);
                }
            }
        }

        return $results;
    }

    /** A reason is an exception's message as a rule, and such may be any bytes: the wire takes UTF-8 alone. */
    private static function cut(string $reason): string
    {
        $valid = preg_match('//u', $reason) === 1 ? $reason : preg_replace('/[^\x20-\x7E]/', '?', $reason) ?? '';

        return preg_match('/^.{0,' . self::REASON_CHARACTERS . '}/us', $valid, $match) === 1 ? $match[0] : '';
    }
}
