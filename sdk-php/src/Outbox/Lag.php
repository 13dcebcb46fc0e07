<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/** How far the relays are behind. */
final readonly class Lag
{
    /**
     * @param int $rows that wait to be published
     * @param float $oldestSeconds the age of the oldest; 0 when none waits
     * @param int $failed rows that the bus refused for good
     */
    public function __construct(
        public int $rows,
        public float $oldestSeconds,
        public int $failed,
    ) {}
}
