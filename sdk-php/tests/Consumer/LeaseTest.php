<?php

declare(strict_types=1);

namespace Waybill\Tests\Consumer;

use Waybill\Consumer\ConsumeOptions;
use Waybill\Delivery;
use Waybill\PullOptions;
use Waybill\Tests\Support\GatewayTestCase;
use Waybill\Tests\Support\Worker;

final class LeaseTest extends GatewayTestCase
{
    public function testAWorkerThatBlocksForAMinuteKeepsItsLeaseAndAcks(): void
    {
        $this->client->publish($this->topic, '60');
        $worker = new Worker('blocked-worker.php', self::gateway()->url(), $this->topic, 'test', '5');
        self::assertSame('attempt 1', $worker->line());
        // Somebody else waits for the message all that time.
        $others = $this->client->pull($this->topic, 'test', new PullOptions(wait: 55));
        self::assertSame([], $others);
        self::assertSame("slept enough\nMessageLimit 1 0", $worker->rest());
        self::assertSame([], $this->client->pull($this->topic, 'test', new PullOptions(wait: 6)));
    }

    public function testAHandlerMayWaitForAllItsChildren(): void
    {
        $this->client->publish($this->topic, 'x');
        $worker = new Worker('forking-worker.php', self::gateway()->url(), $this->topic, 'test');
        self::assertSame("reaped 2\ndone 1", $worker->rest());
    }

    public function testAKilledKeeperIsReplacedInTime(): void
    {
        $this->client->publish($this->topic, 'x');
        $this->client->publish($this->topic, 'y');
        $seen = [];
        putenv("WAYBILL_TEST_TOPIC={$this->topic}");
        $summary = $this->client->consume($this->topic, 'test', function (Delivery $delivery) use (&$seen): void {
            $seen[] = "{$delivery->message->body} {$delivery->attempt}";
            if (\count($seen) === 1) {
                $keepers = $this->keepers();
                self::assertCount(1, $keepers);
                posix_kill($keepers[0], \SIGKILL);
            }
            sleep(3);
        }, new ConsumeOptions(batch: 1, lease: 2, maxMessages: 2));
        self::assertSame('x 1', $seen[0]);
        // The second one's is held by the new keeper.
        self::assertContains('y 1', $seen);
        // A signal is on its way for a moment.
        for ($i = 0; $i < 100 && $this->keepers() !== []; ++$i) {
            usleep(10_000);
        }
        self::assertSame([], $this->keepers());
        self::assertSame(2, $summary->done);
    }

    /**
     * Those that this test has started.
     *
     * @return list<int>
     */
    private function keepers(): array
    {
        $keepers = [];
        foreach (glob('/proc/[0-9]*') ?: [] as $folder) {
            $mine = str_contains((string) @file_get_contents("{$folder}/environ"), "WAYBILL_TEST_TOPIC={$this->topic}");
            if ($mine && str_contains((string) @file_get_contents("{$folder}/cmdline"), 'waybill-lease-keeper')) {
                $keepers[] = (int) basename($folder);
            }
        }

        return $keepers;
    }

    public function testWithoutExtendingTheLeaseEnds(): void
    {
        $this->client->publish($this->topic, 'x');
        $again = null;
        $this->client->consume($this->topic, 'test', function () use (&$again): void {
            sleep(2);
            $again = $this->client->pull($this->topic, 'test', new PullOptions(wait: 5))[0] ?? null;
        }, new ConsumeOptions(lease: 1, extend: false, maxMessages: 1));
        self::assertInstanceOf(Delivery::class, $again);
        self::assertSame(2, $again->attempt);
    }

    public function testAHandlerThatTakesTooLongLosesItsLease(): void
    {
        $this->client->publish($this->topic, 'x');
        $again = [];
        $this->client->consume($this->topic, 'test', function () use (&$again): void {
            $again = $this->client->pull($this->topic, 'test', new PullOptions(wait: 10));
        }, new ConsumeOptions(lease: 1, handlerLimit: 2, maxMessages: 1));
        self::assertCount(1, $again);
    }
}
