<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use Illuminate\Support\Facades\Queue;
use PHPUnit\Framework\Attributes\TestWith;
use Waybill\Laravel\Queue\QueueOptions;
use Waybill\Laravel\Queue\WaybillQueue;

/** Connections of config/queue.php, and what they take from config/waybill.php. */
final class ConnectionsTest extends ApplicationTestCase
{
    public function testWhatAConnectionLeavesOutIsAsConfigWaybillSays(): void
    {
        $this->configure(['queue.connections.bare' => ['driver' => 'waybill', 'retry_after' => 5], 'waybill.queue.block_for' => 1]);

        self::assertSame("{$this->prefix}default", self::queue('bare')->topic(null));
        self::assertGreaterThan(0.8, self::emptyPop('bare'));
    }

    public function testConfigWaybillIsReadWhenAConnectionIsMade(): void
    {
        $this->configure([
            'queue.connections.bare' => ['driver' => 'waybill', 'queue' => 'own'],
            'waybill.queue' => ['queue' => 'theirs', 'prefix' => 'changed.'],
        ]);
        $queue = self::queue('bare');

        self::assertSame('changed.own', $queue->topic(null));
    }

    #[TestWith([null])]
    #[TestWith([0])]
    public function testWithoutBlockForAWorkerDoesNotWait(?int $blockFor): void
    {
        $this->configure(['queue.connections.bare' => ['driver' => 'waybill', 'block_for' => $blockFor]]);

        self::assertLessThan(2, self::emptyPop('bare'));
    }

    public function testTheDefaultsAreThoseOfTheConfig(): void
    {
        $config = require \dirname(__DIR__, 2) . '/config/waybill.php';
        self::assertIsArray($config);
        self::assertIsArray($config['queue']);
        // Which this test's environment sets.
        unset($config['queue']['prefix']);

        self::assertEquals(QueueOptions::of($config['queue']), QueueOptions::of([]));
        self::assertSame('jobs.', QueueOptions::of([])->prefix);
        self::assertSame('', QueueOptions::of(['prefix' => ''])->prefix);
    }

    private static function queue(string $connection): WaybillQueue
    {
        $queue = Queue::connection($connection);
        self::assertInstanceOf(WaybillQueue::class, $queue);

        return $queue;
    }

    /** Seconds that a worker waits for a job of one queue, after the first time. */
    private static function emptyPop(string $connection): float
    {
        $queue = self::queue($connection);
        self::assertNull($queue->pop());
        $began = microtime(true);
        self::assertNull($queue->pop());

        return microtime(true) - $began;
    }
}
