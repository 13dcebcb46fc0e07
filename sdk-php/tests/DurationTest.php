<?php

declare(strict_types=1);

namespace Waybill\Tests;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\Duration;
use Waybill\Exception\InvalidArgumentException;
use Waybill\PublishOptions;

final class DurationTest extends TestCase
{
    public function testSecondsAndIntervalsAreMilliseconds(): void
    {
        self::assertSame(5_000, Duration::milliseconds(5, 'delay'));
        self::assertSame(1_234, Duration::milliseconds(1.2341, 'delay'));
        self::assertSame(90_061_000, Duration::milliseconds(new \DateInterval('P1DT1H1M1S'), 'delay'));
        self::assertSame(2, Duration::seconds(1.001, 'lease', 1, 10));
    }

    #[TestWith([-1])]
    #[TestWith([\NAN])]
    #[TestWith([\INF])]
    #[TestWith([315_360_001])]
    public function testALengthOutOfRangeIsNamed(int|float $seconds): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('delay is ');
        Duration::milliseconds($seconds, 'delay');
    }

    public function testADelayAndADueTimeContradictEachOther(): void
    {
        $this->expectException(InvalidArgumentException::class);
        new PublishOptions(delay: 1, due: new \DateTimeImmutable());
    }

    public function testTheLastOfDelayAndDueTimeCounts(): void
    {
        $options = (new PublishOptions(delay: 1))->withDue(new \DateTimeImmutable());
        self::assertNull($options->delay);
        self::assertNull($options->withDelay(2)->due);
    }
}
