<?php

declare(strict_types=1);

namespace Waybill;

final readonly class SettleResult
{
    public function __construct(
        public string $receipt,
        public SettleStatus $status,
    ) {}

    public function isOk(): bool
    {
        return $this->status === SettleStatus::Ok;
    }
}
