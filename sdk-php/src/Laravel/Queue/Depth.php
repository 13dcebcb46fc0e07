<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

/**
 * How many jobs a queue has.
 *
 * @internal
 */
final readonly class Depth
{
    /**
     * @param int|null $oldest when the oldest pending job was created, in Unix seconds
     */
    public function __construct(
        public int $pending,
        public int $delayed,
        public int $reserved,
        public ?int $oldest,
    ) {}

    public function all(): int
    {
        return $this->pending + $this->delayed + $this->reserved;
    }
}
