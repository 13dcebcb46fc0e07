<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\Details;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Status;

/**
 * The PDO connection in what an application has: PDO itself, a connection of Laravel's (`getPdo`) or of Doctrine's (`getNativeConnection`).
 * They are told by their methods, so that none of them is needed here.
 *
 * @internal
 */
final class Handle
{
    public static function pdo(object $connection): \PDO
    {
        $pdo = match (true) {
            $connection instanceof \PDO => $connection,
            \is_callable([$connection, 'getPdo']) => $connection->getPdo(),
            \is_callable([$connection, 'getNativeConnection']) => $connection->getNativeConnection(),
            default => null,
        };
        if ($pdo instanceof \PDO) {
            return $pdo;
        }

        throw InvalidArgumentException::option('connection', get_debug_type($connection), 'PDO, or a connection of Laravel or Doctrine that uses PDO');
    }

    /**
     * The same, of a connection whose transaction is open.
     *
     * @throws FailedPreconditionException when it is not: what is written then would stay, whatever becomes of the caller's work
     */
    public static function inTransaction(object $connection): \PDO
    {
        $pdo = self::pdo($connection);
        if (self::isOpen($connection, $pdo)) {
            return $pdo;
        }

        throw new FailedPreconditionException(
            'the connection has no open transaction: begin one, so that the message and the change are committed together',
            new Details(Status::FailedPrecondition, 'NO_TRANSACTION'),
        );
    }

    /** PDO itself does not know of a transaction of SQLite that was begun by a statement; the libraries count theirs. */
    private static function isOpen(object $connection, \PDO $pdo): bool
    {
        return match (true) {
            $pdo->inTransaction() => true,
            \is_callable([$connection, 'transactionLevel']) => $connection->transactionLevel() > 0,
            \is_callable([$connection, 'isTransactionActive']) => $connection->isTransactionActive() === true,
            default => false,
        };
    }

    private function __construct() {}
}
