<?php

declare(strict_types=1);

namespace Waybill\Inbox;

use Waybill\Delivery;
use Waybill\Duration;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Message;
use Waybill\Outbox\Dialect;
use Waybill\Outbox\Handle;
use Waybill\Outbox\Statement;
use Waybill\Outbox\TableName;

/**
 * Makes the effect of a message and the record that it was handled one transaction of the application's own database: however often
 * the message comes, it takes effect once.
 *
 * A connection is PDO, or what Laravel or Doctrine call a connection.
 */
final readonly class Inbox
{
    public const TABLE = 'waybill_inbox';

    private const DAYS_30 = 2_592_000;

    private string $table;

    public function __construct(string $table = self::TABLE)
    {
        $this->table = TableName::check($table);
    }

    /**
     * Does `work` unless it was done before, in the open transaction of `connection`. Then commit, then ack. A second delivery that
     * comes meanwhile waits here for the end of the first.
     *
     * @param string $consumer what happens once: the channel's name, or any of 1 to 64 characters of visible ASCII
     * @param callable(): mixed $work
     *
     * @return bool whether it was done now
     *
     * @throws FailedPreconditionException when no transaction is open
     * @throws \PDOException when `work` has swallowed an error after which nothing can be committed
     */
    public function once(object $connection, string $consumer, Message|Delivery $message, callable $work): bool
    {
        if (preg_match('/^[\x21-\x7E]{1,64}$/D', $consumer) !== 1) {
            throw InvalidArgumentException::option('consumer', "\"{$consumer}\"", '1 to 64 characters of visible ASCII');
        }
        $message = $message instanceof Delivery ? $message->message : $message;
        $pdo = Handle::inTransaction($connection);
        $columns = "{$this->table} (consumer, topic, id) VALUES (?, ?, ?)";
        $insert = Dialect::of($pdo) === Dialect::MySql ? "INSERT IGNORE INTO {$columns}" : "INSERT INTO {$columns} ON CONFLICT DO NOTHING";
        if (Statement::of($pdo, $insert, [$consumer, $message->topic, $message->id])->rowCount() === 0) {
            return false;
        }
        $work();
        // After an error that `work` has swallowed, PostgreSQL answers COMMIT with a rollback and no error; and a deadlock has ended MySQL's
        // transaction, of which PDO knows from the next statement on. This statement fails in the one case, and the commit in the other.
        Statement::rows($pdo, 'SELECT 1');

        return true;
    }

    /**
     * Forgets what was done longer ago than any redelivery may come. Answers how many records that were.
     */
    public function prune(object $connection, int|float|\DateInterval $olderThan = self::DAYS_30): int
    {
        $pdo = Handle::pdo($connection);
        $ms = Duration::milliseconds($olderThan, 'olderThan');
        $now = Dialect::of($pdo)->nowMs();

        return Statement::of($pdo, "DELETE FROM {$this->table} WHERE done_ms < {$now} - {$ms}")->rowCount();
    }
}
