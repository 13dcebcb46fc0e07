<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * The statements of docs/outbox.md, each a transaction of its own. Numbers of ours are written in; texts are passed beside.
 *
 * @internal
 */
final class RelayStore
{
    private const MAX_ERROR = 1024;

    private readonly string $slots;
    private ?\PDO $pdo = null;
    private string $now = '';
    private string $bytes = '';

    /**
     * @param \Closure(): \PDO $connect called again after a failure
     */
    public function __construct(
        private readonly \Closure $connect,
        private readonly string $table,
    ) {
        $this->slots = "{$table}_slots";
    }

    /** After a failure: the connection may be lost. */
    public function reconnect(): void
    {
        $this->pdo = null;
    }

    /**
     * Who owns the slots, to tell a table that is not ready or belongs to table consumers.
     *
     * @return list<string>
     */
    public function owners(): array
    {
        $rows = Statement::rows($this->pdo(), "SELECT owner FROM {$this->slots} WHERE slot < " . Row::SLOTS);

        return array_map(static fn(array $row) => Statement::string($row['owner']), $rows);
    }

    /**
     * Free slots with waiting rows.
     *
     * @return list<int>
     */
    public function look(): array
    {
        $pdo = $this->pdo();

        return self::numbers(Statement::rows($pdo, "SELECT slot FROM {$this->slots} s WHERE until_ms <= {$this->now}
            AND EXISTS (SELECT 1 FROM {$this->table} o WHERE o.state = 'waiting' AND o.slot = s.slot)"));
    }

    /**
     * Tries to get slots; answers which were got.
     *
     * @param list<int> $slots one at least
     *
     * @return list<int>
     */
    public function claim(array $slots, string $token, int $leaseMs): array
    {
        $pdo = $this->pdo();
        $list = implode(', ', $slots);
        $claimed = Statement::of($pdo, "UPDATE {$this->slots} SET owner = ?, until_ms = {$this->now} + {$leaseMs}
            WHERE slot IN ({$list}) AND until_ms <= {$this->now}", [$token]);

        return $claimed->rowCount() === 0 ? [] : self::numbers(Statement::rows($pdo, "SELECT slot FROM {$this->slots} WHERE owner = ?", [$token]));
    }

    /**
     * The next rows of each slot after a number, in order: how large they are, before any is read.
     *
     * The index `waiting` has them in this order, and is left at the limit. Sizes are not in it, so that rows are looked up here and once
     * more by `read`, which finds them in the database's memory.
     *
     * @param non-empty-array<int, int> $after slot => that number
     *
     * @return list<RowSize>
     */
    public function measure(array $after, int $limit): array
    {
        $pdo = $this->pdo();
        $parts = [];
        foreach ($after as $slot => $seq) {
            $parts[] = "SELECT * FROM (SELECT seq, slot, {$this->bytes} AS bytes FROM {$this->table}
                WHERE state = 'waiting' AND slot = {$slot} AND seq > {$seq} ORDER BY seq LIMIT {$limit}) AS slot_{$slot}";
        }
        $sizes = array_map(
            static fn(array $row) => new RowSize(Statement::int($row['seq']), Statement::int($row['slot']), Statement::int($row['bytes'])),
            Statement::rows($pdo, implode(' UNION ALL ', $parts)),
        );
        usort($sizes, static fn(RowSize $a, RowSize $b) => $a->seq <=> $b->seq);

        return $sizes;
    }

    /**
     * Those of the rows that still wait, in order: a relay whose lease ran out may have settled some.
     *
     * Their state is looked at here, not in the WHERE: for its sake SQLite goes through all that wait, instead of by the primary key.
     *
     * @param non-empty-list<int> $seqs
     *
     * @return list<RelayedRow>
     */
    public function read(array $seqs): array
    {
        $rows = Statement::rows($this->pdo(), "SELECT seq, slot, state, id, topic, message_key, headers, body, due_ms, ttl_ms, attempts FROM {$this->table}
            WHERE seq IN (" . implode(', ', $seqs) . ')');
        $waiting = array_map(self::relayed(...), array_values(array_filter($rows, static fn(array $row) => Statement::string($row['state']) === 'waiting')));
        usort($waiting, static fn(RelayedRow $a, RelayedRow $b) => $a->seq <=> $b->seq);

        return $waiting;
    }

    /**
     * The bus has them.
     *
     * @param non-empty-list<int> $seqs
     */
    public function remove(array $seqs): void
    {
        Statement::of($this->pdo(), "DELETE FROM {$this->table} WHERE seq IN (" . implode(', ', $seqs) . ')');
    }

    /** Counts a refusal; `fail` sets the row aside. */
    public function refused(int $seq, string $error, bool $fail): void
    {
        $state = $fail ? "state = 'failed', " : '';
        $text = preg_match('/^.{0,' . self::MAX_ERROR . '}/us', $error, $match) === 1 ? $match[0] : 'an error whose text is not UTF-8';
        Statement::of($this->pdo(), "UPDATE {$this->table} SET {$state}attempts = attempts + 1, last_error = ? WHERE seq = {$seq}", [$text]);
    }

    /**
     * @param non-empty-list<int> $slots
     */
    public function giveBack(array $slots, string $token, int $restMs): void
    {
        $pdo = $this->pdo();
        $list = implode(', ', $slots);
        Statement::of($pdo, "UPDATE {$this->slots} SET owner = '', until_ms = {$this->now} + {$restMs} WHERE slot IN ({$list}) AND owner = ?", [$token]);
    }

    public function lag(): Lag
    {
        $pdo = $this->pdo();
        $rows = Statement::rows($pdo, "SELECT state AS state, COUNT(*) AS many, {$this->now} - MIN(created_ms) AS age FROM {$this->table} GROUP BY state");
        $states = array_column($rows, null, 'state');
        $waiting = Statement::int($states['waiting']['many'] ?? 0);
        $ageMs = $waiting === 0 ? 0 : max(0, Statement::int($states['waiting']['age'] ?? 0));

        return new Lag($waiting, $ageMs / 1000, Statement::int($states['failed']['many'] ?? 0));
    }

    /**
     * @return list<FailedRow>
     */
    public function failed(int $limit, int $after): array
    {
        $rows = Statement::rows($this->pdo(), "SELECT seq, id, topic, message_key, attempts, last_error, created_ms FROM {$this->table}
            WHERE state = 'failed' AND seq > {$after} ORDER BY seq LIMIT {$limit}");

        return array_map(static fn(array $row) => new FailedRow(
            Statement::int($row['seq']),
            Statement::string($row['id']),
            Statement::string($row['topic']),
            Statement::string($row['message_key']),
            Statement::int($row['attempts']),
            Statement::string($row['last_error']),
            new \DateTimeImmutable('@' . intdiv(Statement::int($row['created_ms']), 1000)),
        ), $rows);
    }

    /**
     * Failed rows wait again; answers how many.
     *
     * @param non-empty-list<int>|null $seqs null: all
     */
    public function retry(?array $seqs): int
    {
        $which = $seqs === null ? '' : ' AND seq IN (' . implode(', ', $seqs) . ')';

        return Statement::of($this->pdo(), "UPDATE {$this->table} SET state = 'waiting', attempts = 0 WHERE state = 'failed'{$which}")->rowCount();
    }

    private function pdo(): \PDO
    {
        if ($this->pdo === null) {
            $this->pdo = ($this->connect)();
            $dialect = Dialect::of($this->pdo);
            $this->now = $dialect->nowMs();
            $this->bytes = "{$dialect->bytesOf('body')} + COALESCE({$dialect->bytesOf('headers')}, 0)";
        }

        return $this->pdo;
    }

    /**
     * @param array<string, mixed> $row
     */
    private static function relayed(array $row): RelayedRow
    {
        return new RelayedRow(
            Statement::int($row['seq']),
            Statement::int($row['slot']),
            Statement::string($row['id']),
            Statement::string($row['topic']),
            Statement::string($row['message_key']),
            self::headers(Statement::string($row['headers'])),
            Statement::string($row['body']),
            Statement::int($row['due_ms']),
            Statement::int($row['ttl_ms']),
            Statement::int($row['attempts']),
        );
    }

    /**
     * @return array<string, string>
     */
    private static function headers(string $json): array
    {
        $headers = [];
        $decoded = $json === '' ? [] : json_decode($json, true);
        foreach (\is_array($decoded) ? $decoded : [] as $name => $value) {
            $headers[(string) $name] = Statement::string($value);
        }

        return $headers;
    }

    /**
     * @param list<array<string, mixed>> $rows
     *
     * @return list<int>
     */
    private static function numbers(array $rows): array
    {
        return array_map(static fn(array $row) => Statement::int($row['slot']), $rows);
    }
}
