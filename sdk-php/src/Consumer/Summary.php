<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/** What a consumer did until it ended. */
final readonly class Summary
{
    public function __construct(
        public StopReason $reason,
        public int $done,
        public int $failed,
    ) {}
}
