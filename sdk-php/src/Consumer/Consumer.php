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
 * Pulls batches of channels, hands each message to its handler, and settles them.
 *
 *     pull ──▶ handle one by one ──▶ settle ──▶ limits reached? ──no──▶ pull
 *                                                    └─yes─▶ give the rest back, and end
 *
 * Acks of quick handlers go in groups, with the batch or when the first of them is half a second old; that of a slow one goes at once.
 * What was done and not acked yet is handled again when the process is killed, as at-least-once allows. An ack waits while the next
 * handler runs, so where some take long, and others do not, batches of one are better.
 */
final class Consumer
{
    /** A channel is empty when nothing came for so long: what waited for a new one is not there at once. */
    private const EMPTY_SECONDS = 1.0;

    /** A handler that took longer than this is worth a call for its ack alone. */
    private const SLOW_SECONDS = 0.05;

    private const PAUSE_SECONDS = 1.0;

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
        $this->leaseSeconds = self::leaseSeconds($options->lease);
    }

    /** Ends it after the handler that runs. */
    public function stop(StopReason $reason = StopReason::Asked): void
    {
        $this->stopping ??= $reason;
    }

    /**
     * Consumes until it is stopped, or a limit is reached.
     *
     * @param non-empty-list<Source> $sources
     */
    public function run(array $sources): Summary
    {
        $this->stopping = null;
        $this->done = $this->failed = 0;
        $limits = new Limits($this->options);
        $wait = $this->options->stopWhenEmpty ? self::EMPTY_SECONDS : Duration::milliseconds($this->options->wait, 'wait') / 1000;
        $turns = new Turns(array_map($this->prepared(...), $sources), $wait);
        $signals = Signals::on($this->options->signals, fn() => $this->stop(StopReason::Signal));
        $keeper = $this->options->extend ? LeaseKeeper::start($this->connect, $this->options) : null;
        $backoff = new Backoff();
        try {
            while (($reason = $this->stopping ?? $this->asked() ?? $limits->reached($this->done + $this->failed)) === null) {
                if ($this->options->paused !== null && ($this->options->paused)()) {
                    Pause::seconds(self::PAUSE_SECONDS);
                    continue;
                }
                $source = $turns->next();
                try {
                    $deliveries = $this->pull($source, $turns->wait(), $limits);
                    $backoff->reset();
                } catch (Retryable $exception) {
                    $this->options->logger->warning('The gateway cannot be asked for messages, trying again: {message}', ['message' => $exception->getMessage(), 'exception' => $exception]);
                    Pause::seconds($backoff->next());
                    continue;
                }
                $turns->took(\count($deliveries));
                if ($this->options->stopWhenEmpty && $turns->areEmpty() && $this->stopping === null) {
                    $this->stop(StopReason::Empty);
                }
                $this->handleAll($source, $deliveries, $limits, $keeper);
            }
        } finally {
            $keeper?->end();
            $signals->restore();
        }

        return new Summary($reason, $this->done, $this->failed);
    }

    /** With its middleware, and what the options say where it says nothing. */
    private function prepared(Source $source): Source
    {
        $lease = $source->lease === null ? $this->leaseSeconds : self::leaseSeconds($source->lease);
        $handler = self::through($this->options->middleware, $source->handler);

        return new Source($source->topic, $source->channel, $handler, $lease, $source->retry ?? $this->options->retry);
    }

    private function asked(): ?StopReason
    {
        return $this->options->until !== null && ($this->options->until)() ? StopReason::Asked : null;
    }

    /**
     * @return list<Delivery>
     */
    private function pull(Source $source, float $wait, Limits $limits): array
    {
        $most = $limits->batch($this->options->batch, $this->done + $this->failed);
        $pull = new PullOptions($most, $source->lease, $limits->wait($wait), $source->retry);
        try {
            return $this->client->pull($source->topic, $source->channel, $pull, fn() => $this->stopping !== null);
        } catch (CancelledException) {
            return [];
        }
    }

    /**
     * @param list<Delivery> $deliveries
     */
    private function handleAll(Source $source, array $deliveries, Limits $limits, ?LeaseKeeper $keeper): void
    {
        $receipts = array_map(static fn(Delivery $delivery) => $delivery->receipt, $deliveries);
        $rest = $receipts;
        $keeper?->hold($receipts, self::leaseSeconds($source->lease ?? $this->leaseSeconds));
        try {
            foreach ($deliveries as $delivery) {
                if (($this->stopping ?? $limits->reached($this->done + $this->failed)) !== null) {
                    break;
                }
                $keeper?->goOn();
                array_shift($rest);
                $begun = hrtime(true);
                $this->handle($delivery, $source->handler);
                if ((hrtime(true) - $begun) / 1e9 > self::SLOW_SECONDS) {
                    $this->settlements->flush();
                } else {
                    $this->settlements->flushIfOld();
                }
            }
        } finally {
            $this->settlements->giveBack($rest);
            $this->settlements->flush();
            $keeper?->letGo();
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

    private static function leaseSeconds(int|float|\DateInterval $lease): int
    {
        return Duration::seconds($lease, 'lease', 1, 86_400);
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
