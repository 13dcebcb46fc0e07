<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * Cuts a list where it would be too much at once.
 *
 * @internal
 */
final class Portions
{
    /**
     * @template T
     *
     * @param list<T> $items
     * @param int $most items of a portion
     * @param int $mostBytes of a portion; a larger item is alone in one
     * @param \Closure(T): int $bytes of an item
     *
     * @return \Generator<int, non-empty-list<T>>
     */
    public static function of(array $items, int $most, int $mostBytes, \Closure $bytes): \Generator
    {
        $portion = [];
        $sum = 0;
        foreach ($items as $item) {
            $more = $bytes($item);
            if ($portion !== [] && (\count($portion) >= $most || $sum + $more > $mostBytes)) {
                yield $portion;
                $portion = [];
                $sum = 0;
            }
            $portion[] = $item;
            $sum += $more;
        }
        if ($portion !== []) {
            yield $portion;
        }
    }

    private function __construct() {}
}
