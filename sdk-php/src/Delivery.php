<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\Details;
use Waybill\Exception\NotFoundException;
use Waybill\Exception\StaleReceiptException;

/** A message handed to one consumer of one channel, under a lease. */
final readonly class Delivery
{
    /**
     * @param string $receipt names this delivery when it is settled; opaque
     * @param int $attempt 1 for the first delivery on this channel, 2 after one retry, and so on
     * @param \DateTimeImmutable $leaseDeadline when it must have been settled or extended, by the gateway's clock
     */
    public function __construct(
        public Message $message,
        public string $receipt,
        public int $attempt,
        public \DateTimeImmutable $leaseDeadline,
        private Settling $settling,
    ) {}

    /**
     * Done, and durable when this returns.
     *
     * @throws StaleReceiptException when it came too late
     */
    public function ack(): void
    {
        $this->confirm($this->settling->ack([$this->receipt]));
    }

    /**
     * Not done: again after `delay`, or as the retry policy says.
     *
     * @throws StaleReceiptException
     */
    public function nack(int|float|\DateInterval|null $delay = null, string $reason = ''): void
    {
        $this->confirm($this->settling->nack([$this->receipt], $delay, $reason));
    }

    /**
     * More time, from now. May be called again and again.
     *
     * @throws StaleReceiptException
     */
    public function extend(int|float|\DateInterval|null $lease = null): void
    {
        $this->confirm($this->settling->extend([$this->receipt], $lease));
    }

    /**
     * Never to be done: a dead letter at once, body kept.
     *
     * @throws StaleReceiptException
     */
    public function reject(string $reason = ''): void
    {
        $this->confirm($this->settling->reject([$this->receipt], $reason));
    }

    /**
     * @param list<SettleResult> $results
     */
    private function confirm(array $results): void
    {
        switch ($results[0]->status ?? SettleStatus::Unknown) {
            case SettleStatus::Ok:
                return;
            case SettleStatus::Stale:
                throw StaleReceiptException::of($this->receipt);
            case SettleStatus::Unknown:
                throw new NotFoundException(
                    "{$this->receipt} is not a receipt of this bus",
                    new Details(Status::NotFound, 'RECEIPT_UNKNOWN'),
                );
        }
    }
}
