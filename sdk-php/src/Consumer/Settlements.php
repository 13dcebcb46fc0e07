<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Psr\Log\LoggerInterface;
use Waybill\Delivery;
use Waybill\Exception\WaybillException;
use Waybill\SettleResult;
use Waybill\Settling;
use Waybill\Transport\Monotonic;

/**
 * What became of the messages of a batch: acks go in groups, all else at once. A message that could not be settled comes again by itself.
 *
 * @internal
 */
final class Settlements
{
    private const OLD_SECONDS = 0.5;

    /** @var list<string> */
    private array $done = [];
    private float $since = 0;

    public function __construct(
        private readonly Settling $settling,
        private readonly LoggerInterface $logger,
    ) {}

    public function done(Delivery $delivery): void
    {
        if ($this->done === []) {
            $this->since = Monotonic::now();
        }
        $this->done[] = $delivery->receipt;
    }

    /** What a handler threw decides. */
    public function failed(Delivery $delivery, \Throwable $thrown): void
    {
        $reason = $thrown->getMessage() === '' ? $thrown::class : $thrown->getMessage();
        $this->settle(match (true) {
            $thrown instanceof UnrecoverableException => fn() => $this->settling->reject([$delivery->receipt], $reason),
            $thrown instanceof RetryAfter => fn() => $this->settling->nack([$delivery->receipt], $thrown->delay, $reason),
            default => fn() => $this->settling->nack([$delivery->receipt], null, $reason),
        });
    }

    /**
     * What was taken and not begun with.
     *
     * @param list<string> $receipts
     */
    public function giveBack(array $receipts): void
    {
        if ($receipts !== []) {
            $this->settle(fn() => $this->settling->nack($receipts, 0, 'not handled: the consumer stopped', true));
        }
    }

    public function flushIfOld(): void
    {
        if ($this->done !== [] && Monotonic::now() - $this->since > self::OLD_SECONDS) {
            $this->flush();
        }
    }

    public function flush(): void
    {
        $done = $this->done;
        $this->done = [];
        if ($done !== []) {
            $this->settle(fn() => $this->settling->ack($done));
        }
    }

    /**
     * @param \Closure(): list<SettleResult> $settle
     */
    private function settle(\Closure $settle): void
    {
        try {
            foreach ($settle() as $result) {
                if (!$result->isOk()) {
                    $this->logger->warning('A message was settled too late, and may be handled again: {receipt}', ['receipt' => $result->receipt]);
                }
            }
        } catch (WaybillException $exception) {
            $this->logger->error('Messages could not be settled, and come again: {message}', ['message' => $exception->getMessage(), 'exception' => $exception]);
        }
    }
}
