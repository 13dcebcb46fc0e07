<?php

declare(strict_types=1);

namespace Waybill\Tests\Consumer;

use PHPUnit\Framework\TestCase;
use Waybill\Consumer\Source;
use Waybill\Consumer\Turns;

final class TurnsTest extends TestCase
{
    public function testASingleOneWaitsAsLongAsItMay(): void
    {
        $turns = self::turns(1, 20);
        self::assertSame(['0', 20.0], [$turns->next()->topic, $turns->wait()]);
        self::assertFalse($turns->areEmpty());
        $turns->took(3);
        self::assertSame(['0', 20.0], [$turns->next()->topic, $turns->wait()]);
        $turns->took(0);
        self::assertTrue($turns->areEmpty());
    }

    public function testNoneOfSeveralWaitsWhileAnotherMayHaveWork(): void
    {
        $turns = self::turns(5, 20);
        $waits = [];
        for ($i = 0; $i < 12; ++$i) {
            $waits[] = $turns->next()->topic . ' ' . $turns->wait();
            $turns->took($i === 3 ? 10 : 0);
        }
        self::assertSame(['0 0.05', '1 0.05', '2 0.05', '3 0.05', '4 0.05', '0 0.05', '1 0.05', '2 0.05', '3 0.05', '4 0.1', '0 0.1', '1 0.1'], $waits);
    }

    public function testSeveralAreEmptyWhenEachHasHadNothingForAWhile(): void
    {
        $turns = self::turns(2, 1);
        $waited = 0.0;
        while (!$turns->areEmpty()) {
            $turns->next();
            $waited += $turns->wait();
            $turns->took(0);
        }
        self::assertEqualsWithDelta(1.1, $waited, 0.001);
    }

    private static function turns(int $count, float $wait): Turns
    {
        return new Turns(array_map(static fn(int $i) => new Source((string) $i, 'test', static fn() => null), range(0, max(0, $count - 1))), $wait);
    }
}
