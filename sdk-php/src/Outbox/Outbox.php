<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Headers;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * Writes messages into the application's own database, in the transaction that it has open. A relay, of this package or of
 * sdk-ts, publishes them after the commit.
 *
 * A connection is PDO, or what Laravel or Doctrine call a connection.
 */
final readonly class Outbox
{
    public const TABLE = 'waybill_outbox';

    /** Rows of one INSERT. */
    private const CHUNK = 100;

    /** Bytes of one, about: MariaDB takes 16 MiB by default, and escaped bodies may be twice as long. */
    private const CHUNK_BYTES = 4 << 20;

    private string $table;

    /**
     * @param (\Closure(): ?string)|null $traceparent asked for the W3C trace context to send along, unless the message has its own
     */
    public function __construct(
        string $table = self::TABLE,
        private ?\Closure $traceparent = null,
    ) {
        $this->table = TableName::check($table);
    }

    /**
     * Writes a message; it exists when the caller's transaction commits, and never otherwise. `delay` counts from now, `ttl` from
     * when the bus accepts the message. Answers with the message's id.
     *
     * @throws InvalidArgumentException for what the bus would refuse
     * @throws FailedPreconditionException when no transaction is open
     * @throws \PDOException what the database says: then roll back
     */
    public function publish(object $connection, string $topic, string $body, PublishOptions $options = new PublishOptions()): string
    {
        return $this->publishMany($connection, [new PublishItem($topic, $body, $options)])[0];
    }

    /**
     * Writes many, in order.
     *
     * @param iterable<PublishItem> $items
     *
     * @return list<string> their ids
     */
    public function publishMany(object $connection, iterable $items): array
    {
        $pdo = Handle::inTransaction($connection);
        $rows = [];
        foreach ($items as $item) {
            $rows[] = Row::of($this->traced($item));
        }
        foreach (Portions::of($rows, self::CHUNK, self::CHUNK_BYTES, static fn(Row $row) => $row->bytes()) as $chunk) {
            $this->insert($pdo, $chunk);
        }

        return array_map(static fn(Row $row) => $row->id, $rows);
    }

    /**
     * @param non-empty-list<Row> $rows
     */
    private function insert(\PDO $pdo, array $rows): void
    {
        $values = implode(', ', array_fill(0, \count($rows), '(?, ?, ?, ?, ?, ?, ?, ?)'));
        Statement::of($pdo, "INSERT INTO {$this->table} (slot, id, topic, message_key, headers, body, due_ms, ttl_ms) VALUES {$values}", array_merge(
            ...array_map(static fn(Row $row) => [
                $row->slot,
                $row->id,
                $row->topic,
                $row->key,
                $row->headers,
                new Blob($row->body),
                $row->dueMs,
                $row->ttlMs,
            ], $rows),
        ));
    }

    private function traced(PublishItem $item): PublishItem
    {
        if ($this->traceparent === null || isset($item->options->headers[Headers::TRACEPARENT])) {
            return $item;
        }
        $traceparent = ($this->traceparent)();

        return $traceparent === null ? $item : new PublishItem($item->topic, $item->body, $item->options->withTraceparent($traceparent));
    }
}
