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
