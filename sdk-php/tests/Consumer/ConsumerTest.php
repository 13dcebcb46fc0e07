<?php

declare(strict_types=1);

namespace Waybill\Tests\Consumer;

use Waybill\Consumer\ConsumeOptions;
use Waybill\Consumer\Middleware;
use Waybill\Consumer\RetryAfter;
use Waybill\Consumer\Source;
use Waybill\Consumer\StopReason;
use Waybill\Consumer\Summary;
use Waybill\Consumer\UnrecoverableException;
use Waybill\Delivery;
use Waybill\PublishItem;
use Waybill\PullOptions;
use Waybill\RetryPolicy;
use Waybill\Tests\Support\GatewayTestCase;
use Waybill\Tests\Support\Worker;

final class ConsumerTest extends GatewayTestCase
{
    public function testEveryMessageIsHandledOnceAndNeverAgain(): void
    {
        $this->publish(...array_map(strval(...), range(1, 100)));
        $seen = [];
        $summary = $this->consume(static function (Delivery $delivery) use (&$seen): void {
            $seen[] = $delivery->message->body;
        }, new ConsumeOptions(batch: 7, stopWhenEmpty: true));
        sort($seen, \SORT_NUMERIC);
        self::assertSame(array_map(strval(...), range(1, 100)), $seen);
        self::assertEquals(new Summary(StopReason::Empty, 100, 0), $summary);
        self::assertSame([], $this->client->pull($this->topic, 'test', new PullOptions(wait: 0.2)));
    }

    public function testABusyChannelKeepsNoOtherFromItsTurn(): void
    {
        $other = "{$this->topic}.other";
        $this->publish(...array_map(strval(...), range(1, 30)));
        $this->client->publish($other, 'mine');
        $seen = [];
        $note = static function (Delivery $delivery) use (&$seen): void {
            $seen[] = $delivery->message->body;
        };
        $sources = [new Source($this->topic, 'test', $note), new Source($other, 'test', $note, lease: 5)];
        $summary = $this->client->consumeAll($sources, new ConsumeOptions(batch: 5, stopWhenEmpty: true));
        self::assertEquals(new Summary(StopReason::Empty, 31, 0), $summary);
        self::assertLessThan(25, array_search('mine', $seen, true));
    }

    public function testWhatAStoppedConsumerHadNotBegunWithUsesNoAttempt(): void
    {
        $this->publish('a', 'b', 'c', 'd', 'e');
        $attempts = [];
        for ($i = 0; $i < 5; ++$i) {
            $this->consume(static function (Delivery $delivery) use (&$attempts): void {
                $attempts[] = $delivery->attempt;
                usleep(400_000);
            }, new ConsumeOptions(batch: 5, retry: RetryPolicy::fixed(1, 0), maxSeconds: 0.3));
        }
        self::assertSame([1, 1, 1, 1, 1], $attempts);
    }

    public function testAnAckOfASlowHandlerDoesNotWaitForTheNext(): void
    {
        $this->publish('a', 'b');
        $states = [];
        $this->consume(function (Delivery $delivery) use (&$states): void {
            if ($states !== []) {
                // What is acked cannot be nacked any more.
                self::assertFalse($this->client->nack([$states[0]])[0]->isOk());
            }
            $states[] = $delivery->receipt;
            usleep(80_000);
        }, new ConsumeOptions(batch: 2, maxMessages: 2));
        self::assertCount(2, $states);
    }

    public function testItTakesNothingWhileItIsPausedAndEndsWhenItIsTold(): void
    {
        $this->publish('a');
        $looks = 0;
        $summary = $this->consume(static fn() => null, new ConsumeOptions(
            until: static function () use (&$looks): bool {
                return ++$looks > 2;
            },
            paused: static fn() => true,
        ));
        self::assertEquals(new Summary(StopReason::Asked, 0, 0), $summary);
        self::assertCount(1, $this->client->pull($this->topic, 'test', new PullOptions(wait: 5)));
    }

    public function testAFailedMessageComesAgainAsThePolicySays(): void
    {
        $this->publish('x');
        $attempts = [];
        $errors = [];
        $options = new ConsumeOptions(
            retry: RetryPolicy::fixed(5, 0.1),
            maxMessages: 3,
            onError: static function (\Throwable $thrown) use (&$errors): void {
                $errors[] = $thrown->getMessage();
            },
        );
        $summary = $this->consume(static function (Delivery $delivery) use (&$attempts): void {
            $attempts[] = $delivery->attempt;
            if ($delivery->attempt < 3) {
                throw new \DomainException("attempt {$delivery->attempt}");
            }
        }, $options);
        self::assertSame([1, 2, 3], $attempts);
        self::assertSame(['attempt 1', 'attempt 2'], $errors);
        self::assertEquals(new Summary(StopReason::MessageLimit, 1, 2), $summary);
    }

    public function testRetryAfterSetsItsOwnDelay(): void
    {
        $this->publish('x');
        $times = [];
        $this->consume(static function (Delivery $delivery) use (&$times): void {
            $times[] = microtime(true);
            if ($delivery->attempt === 1) {
                throw new RetryAfter(1.5);
            }
        }, new ConsumeOptions(retry: RetryPolicy::fixed(5, 0), maxMessages: 2));
        self::assertGreaterThanOrEqual(1.5, $times[1] - $times[0]);
    }

    public function testAnUnrecoverableMessageIsADeadLetterAtOnce(): void
    {
        $this->publish('x');
        $options = new ConsumeOptions(retry: RetryPolicy::fixed(5, 0), maxMessages: 1);
        $this->consume(static fn() => throw new UnrecoverableException('no such order'), $options);
        self::assertSame([], $this->client->pull($this->topic, 'test', new PullOptions(wait: 1)));
    }

    public function testWhatIsTakenAndNotBegunWithGoesBack(): void
    {
        $this->publish('a', 'b', 'c');
        $consumed = 0;
        $this->consume(static function () use (&$consumed): void {
            ++$consumed;
            posix_kill((int) getmypid(), \SIGTERM);
        }, new ConsumeOptions(batch: 10));
        self::assertSame(1, $consumed);
        self::assertCount(2, $this->client->pull($this->topic, 'test', new PullOptions(10, wait: 5)));
    }

    public function testATimeLimitEndsTheWaitToo(): void
    {
        $began = microtime(true);
        $summary = $this->consume(static fn() => null, new ConsumeOptions(maxSeconds: 0.5));
        self::assertSame(StopReason::TimeLimit, $summary->reason);
        self::assertLessThan(3, microtime(true) - $began);
    }

    public function testAMemoryLimitEndsIt(): void
    {
        $summary = $this->consume(static fn() => null, new ConsumeOptions(maxMemoryMiB: 1));
        self::assertSame(StopReason::MemoryLimit, $summary->reason);
    }

    public function testMiddlewareIsAroundTheHandlerInOrder(): void
    {
        $this->publish('x');
        $trace = new \ArrayObject();
        $layer = static fn(string $name): Middleware => new class ($name, $trace) implements Middleware {
            /** @param \ArrayObject<int, string> $trace */
            public function __construct(private readonly string $name, private readonly \ArrayObject $trace) {}

            public function handle(Delivery $delivery, \Closure $next): mixed
            {
                $this->trace->append("{$this->name} begins");
                $result = $next($delivery);
                $this->trace->append("{$this->name} ends");

                return $result;
            }
        };
        $this->consume(static function () use ($trace): void {
            $trace->append('handler');
        }, new ConsumeOptions(stopWhenEmpty: true, middleware: [$layer('outer'), $layer('inner')]));
        self::assertSame(['outer begins', 'inner begins', 'handler', 'inner ends', 'outer ends'], $trace->getArrayCopy());
    }

    public function testTheSignalHandlersOfTheApplicationAreItsOwnAgain(): void
    {
        $heard = 0;
        $before = pcntl_async_signals(true);
        pcntl_signal(\SIGTERM, static function () use (&$heard): void {
            ++$heard;
        });
        try {
            $this->consume(static fn() => null, new ConsumeOptions(stopWhenEmpty: true));
            posix_kill((int) getmypid(), \SIGTERM);
            self::assertSame(1, $heard);
        } finally {
            pcntl_signal(\SIGTERM, \SIG_DFL);
            pcntl_async_signals($before);
        }
    }

    public function testSigtermEndsAWorkerThatWaits(): void
    {
        $worker = new Worker('endless-worker.php', self::gateway()->url(), $this->topic, 'test');
        self::assertSame('ready', $worker->line());
        usleep(700_000);
        $began = microtime(true);
        $worker->signal(\SIGTERM);
        self::assertSame('Signal 0 0', $worker->rest());
        self::assertLessThan(3, microtime(true) - $began);
    }

    public function testSigtermLetsTheHandlerFinish(): void
    {
        $this->publish('1.5');
        $worker = new Worker('endless-worker.php', self::gateway()->url(), $this->topic, 'test');
        self::assertSame('ready', $worker->line());
        self::assertSame('begins 1.5', $worker->line());
        $worker->signal(\SIGTERM);
        self::assertSame('Signal 1 0', $worker->rest());
        self::assertSame([], $this->client->pull($this->topic, 'test', new PullOptions(wait: 0.5)));
    }

    public function testTheMessagesOfAKilledWorkerComeAgainWhenTheirLeaseEnds(): void
    {
        $this->publish('60');
        $worker = new Worker('endless-worker.php', self::gateway()->url(), $this->topic, 'test');
        self::assertSame('ready', $worker->line());
        self::assertSame('begins 60', $worker->line());
        $worker->signal(\SIGKILL);
        $deliveries = $this->client->pull($this->topic, 'test', new PullOptions(wait: 20));
        self::assertSame(2, $deliveries[0]->attempt ?? null);
    }

    /** @param \Closure(Delivery): mixed $handler */
    private function consume(\Closure $handler, ConsumeOptions $options): Summary
    {
        return $this->client->consume($this->topic, 'test', $handler, $options);
    }

    private function publish(string ...$bodies): void
    {
        $this->client->publishMany(array_map(fn(string $body) => new PublishItem($this->topic, $body), $bodies));
    }
}
