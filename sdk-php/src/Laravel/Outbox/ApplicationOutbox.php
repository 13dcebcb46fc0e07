<?php

declare(strict_types=1);

namespace Waybill\Laravel\Outbox;

use Illuminate\Database\Connection;
use Illuminate\Database\ConnectionInterface;
use Illuminate\Database\ConnectionResolverInterface;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Outbox\Outbox;
use Waybill\PublishItem;

/** The outbox on one of the application's database connections. */
final readonly class ApplicationOutbox
{
    /**
     * @param string $connection empty: the default one
     */
    public function __construct(
        private ConnectionResolverInterface $databases,
        private Outbox $outbox,
        private string $connection = '',
    ) {}

    /** The same on another connection; empty keeps the one of config `waybill.outbox`. */
    public function on(string $connection): self
    {
        return $connection === '' ? $this : new self($this->databases, $this->outbox, $connection);
    }

    /** Whether a transaction is open, so that a row can be a part of it. */
    public function isOpen(): bool
    {
        return $this->connection()->transactionLevel() > 0;
    }

    /**
     * Writes messages into the open transaction.
     *
     * @param iterable<PublishItem> $items
     *
     * @return list<string> their ids
     *
     * @throws FailedPreconditionException when none is open
     */
    public function publishMany(iterable $items): array
    {
        $connection = $this->connection();

        return $this->outbox->publishMany($connection instanceof Connection ? $connection : throw new \LogicException('the outbox needs a connection with PDO'), $items);
    }

    private function connection(): ConnectionInterface
    {
        return $this->databases->connection($this->connection === '' ? null : $this->connection);
    }
}
