<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * How many rows are measured together: as many as `most`, or fewer while they are large. It begins small, as nothing is known of them.
 *
 * It holds down what is measured in vain, not what is in memory: MySQL reads all of a body to tell its length, and a round that measured
 * many large ones would be over before it has sent any.
 *
 * @internal
 */
final class PageSize
{
    /** Bytes that are read at a time; a larger row is read alone. */
    public const BYTES = 16 << 20;

    private const FIRST = 64;

    /** Rows after a page are up to so many times those of the page. */
    private const GROWTH = 4;

    private int $rows;

    public function __construct(private readonly int $most)
    {
        $this->rows = min($most, self::FIRST);
    }

    public function rows(): int
    {
        return $this->rows;
    }

    /**
     * @param list<RowSize> $sizes what was measured
     */
    public function saw(array $sizes): void
    {
        if ($sizes === []) {
            return;
        }
        $bytes = array_sum(array_map(static fn(RowSize $size) => $size->bytes, $sizes));
        $fitting = (int) (self::BYTES * \count($sizes) / max(1, $bytes));
        $this->rows = max(1, min($this->most, $fitting, $this->rows * self::GROWTH));
    }
}
