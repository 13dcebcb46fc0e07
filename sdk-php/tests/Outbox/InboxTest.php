<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\Attributes\DataProvider;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Consumer\RetryAfter;
use Waybill\Delivery;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Inbox\Inbox;
use Waybill\Inbox\OnceMiddleware;
use Waybill\Message;
use Waybill\Outbox\Dialect;
use Waybill\Outbox\Schema;
use Waybill\RetryPolicy;

final class InboxTest extends OutboxTestCase
{
    #[DataProvider('databases')]
    public function testAMessageTakesEffectOnceForEachConsumer(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $inbox = new Inbox();
        $message = new Message('m1', 'orders', '', '', [], new \DateTimeImmutable());
        $effect = static fn() => $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
        $once = static function (string $consumer, bool $commit) use ($pdo, $inbox, $message, $effect): bool {
            $pdo->beginTransaction();
            $done = $inbox->once($pdo, $consumer, $message, $effect);
            $commit ? $pdo->commit() : $pdo->rollBack();

            return $done;
        };

        self::assertTrue($once('billing', false));
        self::assertTrue($once('billing', true));
        self::assertFalse($once('billing', true));
        self::assertTrue($once('audit', true));
        self::assertSame(2, self::rows($pdo, 'accounts'));
    }

    #[DataProvider('databases')]
    public function testOldRecordsAreForgotten(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $inbox = new Inbox();
        $pdo->beginTransaction();
        $inbox->once($pdo, 'billing', new Message('m1', 'orders', '', '', [], new \DateTimeImmutable()), static fn() => null);
        $pdo->commit();

        self::assertSame(0, $inbox->prune($pdo));
        usleep(20_000);
        self::assertSame(1, $inbox->prune($pdo, 0.01));
    }

    public function testWithoutATransactionThereIsNoOnce(): void
    {
        $pdo = ($this->database('sqlite'))();
        $this->expectException(FailedPreconditionException::class);
        (new Inbox())->once($pdo, 'billing', new Message('m1', 'orders', '', '', [], new \DateTimeImmutable()), static fn() => null);
    }

    #[DataProvider('databases')]
    public function testAConsumerWithTheMiddlewareCountsAFailedHandlerAsNothing(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $this->open();
        $this->client->publish($this->topic, 'pay');
        $handler = static function (Delivery $delivery) use ($pdo): void {
            $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
            if ($delivery->attempt === 1) {
                throw new \RuntimeException('after the insert');
            }
        };
        $summary = $this->client->consume($this->topic, 'test', $handler, new ConsumeOptions(
            wait: 5,
            retry: RetryPolicy::fixed(3, 0),
            maxMessages: 2,
            middleware: [new OnceMiddleware($pdo, 'test')],
        ));

        self::assertSame([1, 1], [$summary->done, $summary->failed]);
        self::assertSame(1, self::rows($pdo, 'accounts'));
    }

    #[DataProvider('databases')]
    public function testAfterAnErrorThatTheHandlerSwallowedWhatIsDoneIsCommitted(string $kind): void
    {
        $pdo = ($this->database($kind))();
        try {
            $this->handle($pdo, static function () use ($pdo): void {
                $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
                try {
                    $pdo->exec('INSERT INTO nowhere VALUES (1)');
                } catch (\PDOException) {
                }
            });
            $done = 1;
        } catch (\PDOException) {
            // Of PostgreSQL, where nothing can be committed after an error.
            $done = 0;
        }

        self::assertSame([$done, $done], [self::rows($pdo, 'accounts'), self::rows($pdo, 'waybill_inbox')]);
    }

    #[DataProvider('databases')]
    public function testAfterADeadlockThatTheHandlerSwallowedNothingIsDone(string $kind): void
    {
        if ($kind !== 'mysql') {
            // Only there does an error end the transaction without PDO's knowledge.
            $this->expectNotToPerformAssertions();

            return;
        }
        $pdo = ($this->database($kind))();
        $other = self::asyncMySql();
        $other->begin_transaction();
        // With more to undo, so that it is not the one to go.
        $other->query('INSERT INTO accounts VALUES ' . implode(', ', array_fill(0, 300, '(2, 2)')));
        $other->query('UPDATE waybill_outbox_slots SET until_ms = 1 WHERE slot = 2');
        try {
            $this->handle($pdo, static function () use ($pdo, $other): void {
                $pdo->exec('UPDATE waybill_outbox_slots SET until_ms = 1 WHERE slot = 1');
                $other->query('UPDATE waybill_outbox_slots SET until_ms = 1 WHERE slot = 1', \MYSQLI_ASYNC);
                try {
                    $pdo->exec('UPDATE waybill_outbox_slots SET until_ms = 1 WHERE slot = 2');
                } catch (\PDOException) {
                }
            });
            self::fail('it was done');
        } catch (\PDOException) {
            $other->reap_async_query();
            $other->rollback();
        }

        self::assertSame(0, self::rows($pdo, 'waybill_inbox'));
    }

    public function testATransactionThatCannotBeCommittedIsNotDone(): void
    {
        $pdo = $this->faulty();
        $this->expectException(\PDOException::class);
        $this->expectExceptionMessage('25P02');
        $this->handle($pdo, static function () use ($pdo): void {
            $pdo->aborted = true;
        });
    }

    public function testAConnectionThatAnswersFalseIsNotTakenToHaveCommitted(): void
    {
        $pdo = $this->faulty();
        $pdo->commits = false;
        try {
            $this->handle($pdo, static fn() => $pdo->exec('INSERT INTO accounts VALUES (1, 1)'));
            self::fail('it was done');
        } catch (\PDOException) {
        }

        self::assertSame(0, self::rows($pdo, 'accounts'));
        self::assertFalse($pdo->inTransaction());
    }

    public function testWithoutABeginNothingIsHandled(): void
    {
        $pdo = $this->faulty();
        $pdo->begins = false;
        $this->expectException(\PDOException::class);
        $this->handle($pdo, static fn() => self::fail('it was handled'));
    }

    public function testWhatTheHandlerThrewGoesOnWhenTheConnectionIsLost(): void
    {
        $pdo = $this->faulty();
        $this->expectException(RetryAfter::class);
        $this->handle($pdo, static function () use ($pdo): void {
            $pdo->lost = true;

            throw new RetryAfter(60);
        });
    }

    private function faulty(): FaultyPdo
    {
        $pdo = new FaultyPdo('sqlite::memory:', null, null, [\PDO::ATTR_ERRMODE => \PDO::ERRMODE_SILENT]);
        foreach ([...Schema::inbox(Dialect::Sqlite), 'CREATE TABLE accounts (id INTEGER, balance INTEGER)'] as $statement) {
            $pdo->exec($statement);
        }

        return $pdo;
    }

    private function handle(\PDO $pdo, \Closure $handler): void
    {
        $delivery = new Delivery(new Message('m1', 'orders', '', '', [], new \DateTimeImmutable()), '', 1, new \DateTimeImmutable(), $this->client);
        (new OnceMiddleware($pdo, 'billing'))->handle($delivery, $handler);
    }
}
