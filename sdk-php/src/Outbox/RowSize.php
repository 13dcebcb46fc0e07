<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * A waiting row that was not read yet.
 *
 * @internal
 */
final readonly class RowSize
{
    /**
     * @param int $bytes of its body and headers
     */
    public function __construct(
        public int $seq,
        public int $slot,
        public int $bytes,
    ) {}
}
