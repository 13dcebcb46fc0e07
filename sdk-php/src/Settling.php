<?php

declare(strict_types=1);

namespace Waybill;

/**
 * Says what became of deliveries. Each call answers for every receipt, in order, and never throws for a stale one; any process
 * may settle a pulled delivery, through any gateway. Repeating a call is safe.
 */
interface Settling
{
    /**
     * Done: what answered Ok is never delivered on that channel again.
     *
     * @param list<string> $receipts
     *
     * @return list<SettleResult>
     */
    public function ack(array $receipts): array;

    /**
     * Not done: again after `delay` (0 to 10 years), or as the channel's retry policy says.
     *
     * @param list<string> $receipts
     * @param string $reason for the ledger, cut at 1,024 characters
     * @param bool $unhandled nobody has begun with them: this counts as no attempt, and without a `delay` they are due at once
     *
     * @return list<SettleResult>
     */
    public function nack(array $receipts, int|float|\DateInterval|null $delay = null, string $reason = '', bool $unhandled = false): array;

    /**
     * More time: `lease` from now, 1 s to 24 h. Default: the gateway's `MaxJobRunningSeconds`.
     *
     * @param list<string> $receipts
     *
     * @return list<SettleResult>
     */
    public function extend(array $receipts, int|float|\DateInterval|null $lease = null): array;

    /**
     * Never to be done: dead letters at once, bodies kept.
     *
     * @param list<string> $receipts
     * @param string $reason for the ledger, cut at 1,024 characters
     *
     * @return list<SettleResult>
     */
    public function reject(array $receipts, string $reason = ''): array;
}
