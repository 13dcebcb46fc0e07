<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/** A row that the bus refused for good. */
final readonly class FailedRow
{
    public function __construct(
        public int $seq,
        public string $id,
        public string $topic,
        public string $key,
        public int $attempts,
        public string $error,
        public \DateTimeImmutable $createdAt,
    ) {}
}
