<?php

declare(strict_types=1);

namespace Waybill;

/** A message that is durable now. */
final readonly class Published
{
    public function __construct(
        public string $id,
        public Outcome $outcome,
    ) {}
}
