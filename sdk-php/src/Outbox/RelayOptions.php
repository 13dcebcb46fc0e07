<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\InvalidArgumentException;

/** How a relay works. Lengths of time are seconds. */
final readonly class RelayOptions
{
    public string $table;

    /**
     * @param string $table the outbox table
     * @param float $tick how long the relay waits before it looks again when there was nothing, 0.01 to 3600
     * @param int $batch the most rows that are looked at together, 1 to 10,000; fewer while bodies are large, of which 16 MiB are in memory at a time
     * @param float $lease how long others leave the slots of a relay that died alone, 1 to 600; at least twice the client's `deadline`
     * @param int $maxAttempts how often a row may be refused in a way that may be its own fault before it is set aside, 1 to 1,000
     * @param (\Closure(\Throwable, ?RelayedRow): void)|null $onError told of a round that failed (the database is away), and, with its row, of a publish that failed
     * @param (\Closure(RelayedRow, \Throwable): void)|null $onFailed told of a row that was set aside
     */
    public function __construct(
        string $table = Outbox::TABLE,
        public float $tick = 0.5,
        public int $batch = 1000,
        public float $lease = 10,
        public int $maxAttempts = 10,
        public ?\Closure $onError = null,
        public ?\Closure $onFailed = null,
    ) {
        $this->table = TableName::check($table);
        self::within('tick', $tick, 0.01, 3600);
        self::within('batch', $batch, 1, 10_000);
        self::within('lease', $lease, 1, 600);
        self::within('maxAttempts', $maxAttempts, 1, 1000);
    }

    private static function within(string $field, int|float $value, int|float $min, int|float $max): void
    {
        if (!is_finite($value) || $value < $min || $value > $max) {
            throw InvalidArgumentException::option($field, (string) $value, "{$min} to {$max}");
        }
    }
}
