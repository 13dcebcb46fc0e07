<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Waybill\Outbox\Portions;

final class PortionsTest extends TestCase
{
    /**
     * @return iterable<string, array{list<int>, list<list<int>>}>
     */
    public static function lists(): iterable
    {
        yield 'nothing' => [[], []];
        yield 'few and small' => [[1, 2, 3], [[1, 2, 3]]];
        yield 'too many' => [[1, 1, 1, 1, 1], [[1, 1, 1, 1], [1]]];
        yield 'as large as may be' => [[5, 5, 1], [[5, 5], [1]]];
        yield 'too large together' => [[6, 5, 5], [[6], [5, 5]]];
        yield 'too large alone' => [[1, 99, 1], [[1], [99], [1]]];
        yield 'the first too large' => [[99, 1, 2], [[99], [1, 2]]];
    }

    /**
     * @param list<int> $items whose bytes are what they are
     * @param list<list<int>> $expected
     */
    #[DataProvider('lists')]
    public function testAListIsCutWhereItWouldBeTooMuch(array $items, array $expected): void
    {
        self::assertSame($expected, iterator_to_array(Portions::of($items, 4, 10, static fn(int $item) => $item)));
    }
}
