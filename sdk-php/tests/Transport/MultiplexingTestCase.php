<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use Waybill\Status;
use Waybill\Tests\Support\EchoServer;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Multiplexing;

/** What every transport must do that has many calls under way on one connection. */
abstract class MultiplexingTestCase extends ConformanceTestCase
{
    public function testManyCallsAreUnderWayAtATimeOnOneConnection(): void
    {
        $server = new EchoServer();
        $transport = $this->openMultiplexing($server);
        $calls = (static function (): \Generator {
            for ($i = 0; $i < 3_000; ++$i) {
                yield $i => self::call('Echo', (string) $i);
            }
        })();
        $seen = [];
        foreach ($transport->unaryMany($calls, 50) as $key => $reply) {
            self::assertNotNull($reply);
            self::assertSame((string) $key, $reply->body, $reply->message);
            $seen[$key] = true;
        }
        self::assertCount(3_000, $seen);
        self::assertBody('1', $transport->unary(self::call('Connections')));
    }

    public function testSlowCallsDoNotHoldUpEachOther(): void
    {
        $server = new EchoServer();
        $transport = $this->openMultiplexing($server);
        $began = Monotonic::now();
        foreach ($transport->unaryMany(array_fill(0, 20, self::call('Slow', '500')), 20) as $reply) {
            self::assertNotNull($reply);
            self::assertSame(Status::Ok, $reply->status, $reply->message);
        }
        self::assertLessThan(5, Monotonic::now() - $began);
    }

    public function testWhoHasNoCallForNowIsGivenTheTimeToMakeOthers(): void
    {
        $server = new EchoServer();
        $transport = $this->openMultiplexing($server);
        $calls = [self::call('Slow', '500'), self::call('Echo', 'a'), null, self::call('Echo', 'b'), null, null, self::call('Echo', 'c')];
        $seen = [];
        foreach ($transport->unaryMany($calls, 2) as $key => $reply) {
            if ($reply === null) {
                self::assertBody('between', $transport->unary(self::call('Echo', 'between')));
                $seen[] = 'nothing';
            } else {
                $seen[] = $reply->body;
            }
        }

        self::assertSame(3, \count(array_keys($seen, 'nothing', true)));
        self::assertEqualsCanonicalizing(['500', 'a', 'b', 'c'], array_diff($seen, ['nothing']));
        self::assertGreaterThan(array_search('nothing', $seen, true), array_search('500', $seen, true), 'a pause waits for nothing');
    }

    public function testAForkedChildTakesNothingOfWhatItsParentWaitsFor(): void
    {
        $server = new EchoServer();
        $transport = $this->openMultiplexing($server);
        $calls = $transport->unaryMany([self::call('Slow', '300'), null, null], 1);
        self::assertNull($calls->current());
        // By then the answer is there, where both could read it.
        $child = self::forkCaller($transport, afterSeconds: 1);
        self::assertCalled($child);
        $bodies = [];
        for ($calls->next(); $calls->valid(); $calls->next()) {
            $bodies[] = $calls->current()?->body;
        }
        self::assertSame(['300'], array_values(array_filter($bodies, static fn($body) => $body !== null)));
        self::assertBody('1', $transport->unary(self::call('Echo', '1')));
    }

    private function openMultiplexing(EchoServer $server): Multiplexing
    {
        $transport = $this->open($server);
        self::assertInstanceOf(Multiplexing::class, $transport);

        return $transport;
    }
}
