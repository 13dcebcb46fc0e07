<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\TestCase;
use Waybill\Outbox\PageSize;
use Waybill\Outbox\RowSize;

final class PageSizeTest extends TestCase
{
    public function testItBeginsSmallAndGrowsWhileRowsAreSmall(): void
    {
        $page = new PageSize(1000);
        $seen = [];
        foreach (range(1, 4) as $_) {
            $seen[] = $page->rows();
            $page->saw(self::sizes($page->rows(), 1000));
        }

        self::assertSame([64, 256, 1000, 1000], $seen);
    }

    public function testLargeRowsMakeItAsSmallAsFits(): void
    {
        $page = new PageSize(1000);
        $page->saw(self::sizes(64, 1 << 20));
        self::assertSame(16, $page->rows());
        $page->saw(self::sizes(16, 100 << 20));
        self::assertSame(1, $page->rows());
        $page->saw(self::sizes(1, 0));
        self::assertSame(4, $page->rows());
    }

    public function testItNeverPassesItsMostAndLearnsNothingOfNothing(): void
    {
        $page = new PageSize(8);
        self::assertSame(8, $page->rows());
        $page->saw([]);
        $page->saw(self::sizes(8, 10));
        self::assertSame(8, $page->rows());
    }

    /**
     * @return list<RowSize>
     */
    private static function sizes(int $rows, int $bytes): array
    {
        return array_map(static fn(int $seq) => new RowSize($seq, 0, $bytes), range(1, $rows));
    }
}
