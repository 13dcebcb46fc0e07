<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/** A row on its way to the bus. */
final readonly class RelayedRow
{
    /**
     * @param array<string, string> $headers
     */
    public function __construct(
        public int $seq,
        public int $slot,
        public string $id,
        public string $topic,
        public string $key,
        public array $headers,
        public string $body,
        public int $dueMs,
        public int $ttlMs,
        public int $attempts,
    ) {}
}
