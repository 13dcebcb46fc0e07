<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Duration;
use Waybill\Exception\CancelledException;
use Waybill\Exception\Retryable;
use Waybill\PullOptions;
use Waybill\Rpc\Backoff;

/**
 * Pulls batches of a channel, hands each message to a handler, and settles them.
 *
 *     pull ──▶ handle one by one ──▶ settle ──▶ limits reached? ──no──▶ pull
 *                                                    └─yes─▶ give the rest back, and end
 *
 * What was done is acked in groups: when the batch is done, or when the first of them is half a second old. A process that is killed in
 * between handles these again, as at-least-once allows.
 */
final class Consumer
{
    /** A channel is empty when nothing came for so long: what waited for a new one is not there at once. */
    private const EMPTY_SECONDS = 1;

    private readonly Settlements $settlements;
    private readonly int $leaseSeconds;
    private ?StopReason $stopping = null;
    private int $done = 0;
    private int $failed = 0;

    public function __construct(
        private readonly Client $client,
        private readonly ConnectOptions $connect,
        private readonly ConsumeOptions $options,
    ) {
        $this->settlements = new Settlements($client, $options->logger);
        $this->leaseSeconds = Duration::seconds($options->lease, 'lease', 1, 86_400);
    }

    /** Ends it after the handler that runs. */
    public function stop(StopReason $reason = StopReason::Asked): void
    {
        $this->stopping ??= $reason;
    }

    /**
     * Consumes until it is stopped, or a limit is reached.
     *
     * @param \Closure(Delivery): mixed $handler
     */
    public function run(string $topic, string $channel, \Closure $handler): Summary
    {
        $this->stopping = null;
        $this->done = $this->failed = 0;
        $limits = new Limits($this->options);
        $signals = Signals::on($this->options->signals, fn() => $this->stop(StopReason::Signal));
        $keeper = $this->options->extend ? LeaseKeeper::start($this->connect, $this->leaseSeconds, $this->options) : null;
        $handler = self::through($this->options->middleware, $handler);
        $backoff = new Backoff();
        try {
            while (($reason = $this->stopping ?? $limits->reached($this->done + $this->failed)) === null) {
                try {
                    $deliveries = $this->pull($topic, $channel, $limits);
                    $backoff->reset();
                } catch (Retryable $exception) {
                    $this->options->logger->warning('The gateway cannot be asked for messages, trying again: {message}', ['message' => $exception->getMessage(), 'exception' => $exception]);
                    Pause::seconds($backoff->next());
                    continue;
                }
                if ($deliveries === [] && $this->options->stopWhenEmpty && $this->stopping === null) {
                    $this->stop(StopReason::Empty);
                }
                $this->handleAll($deliveries, $handler, $limits, $keeper);
            }
        } finally {
            $keeper?->end();
            $signals->restore();
        }

        return new Summary($reason, $this->done, $this->failed);
    }

    /**
     * @return list<Delivery>
     */
    private function pull(string $topic, string $channel, Limits $limits): array
    {
        $wait = $limits->wait($this->options->stopWhenEmpty ? self::EMPTY_SECONDS : $this->options->wait);
        $most = $limits->batch($this->options->batch, $this->done + $this->failed);
        $pull = new PullOptions($most, $this->leaseSeconds, $wait, $this->options->retry);
        try {
            return $this->client->pull($topic, $channel, $pull, fn() => $this->stopping !== null);
        } catch (CancelledException) {
            return [];
        }
    }

    /**
     * @param list<Delivery> $deliveries
     * @param \Closure(Delivery): mixed $handler
     */
    private function handleAll(array $deliveries, \Closure $handler, Limits $limits, ?LeaseKeeper $keeper): void
    {
        $receipts = array_map(static fn(Delivery $delivery) => $delivery->receipt, $deliveries);
        $rest = $receipts;
        $keeper?->hold($receipts);
        try {
            foreach ($deliveries as $delivery) {
                if (($this->stopping ?? $limits->reached($this->done + $this->failed)) !== null) {
                    break;
                }
                $keeper?->goOn();
                array_shift($rest);
                $this->handle($delivery, $handler);
                $this->settlements->flushIfOld();
            }
        } finally {
            $this->settlements->giveBack($rest);
            $this->settlements->flush();
            $keeper?->hold([]);
        }
    }

    /**
     * @param \Closure(Delivery): mixed $handler
     */
    private function handle(Delivery $delivery, \Closure $handler): void
    {
        try {
            $handler($delivery);
            ++$this->done;
            $this->settlements->done($delivery);
        } catch (\Throwable $thrown) {
            ++$this->failed;
            $this->settlements->failed($delivery, $thrown);
            if ($this->options->onError !== null) {
                ($this->options->onError)($thrown, $delivery);
            }
        }
    }

    /**
     * @param list<Middleware> $middleware outermost first
     * @param \Closure(Delivery): mixed $handler
     *
     * @return \Closure(Delivery): mixed
     */
    private static function through(array $middleware, \Closure $handler): \Closure
    {
        foreach (array_reverse($middleware) as $layer) {
            $handler = static fn(Delivery $delivery) => $layer->handle($delivery, $handler);
        }

        return $handler;
    }
}
