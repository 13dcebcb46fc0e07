<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

/** SQLite with the faults that other databases have, and that a connection set to be silent hides. */
final class FaultyPdo extends \PDO
{
    public bool $begins = true;
    public bool $commits = true;

    /** The connection is lost: what ends the transaction throws. */
    public bool $lost = false;

    /** As PostgreSQL after an error in a transaction: no statement is taken, and COMMIT rolls back and says that all is well. */
    public bool $aborted = false;

    public function beginTransaction(): bool
    {
        return $this->begins && parent::beginTransaction();
    }

    public function commit(): bool
    {
        return $this->commits && ($this->aborted ? parent::rollBack() : parent::commit());
    }

    public function rollBack(): bool
    {
        return $this->lost ? throw new \PDOException('server has gone away') : parent::rollBack();
    }

    /**
     * @param array<mixed> $options
     */
    public function prepare(string $query, array $options = []): \PDOStatement|false
    {
        return $this->aborted ? throw new \PDOException('SQLSTATE[25P02]: current transaction is aborted') : parent::prepare($query, $options);
    }
}
