<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\Attributes\DataProvider;
use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Outbox\Outbox;
use Waybill\Outbox\Relay;
use Waybill\Outbox\RelayedRow;
use Waybill\Outbox\RelayOptions;
use Waybill\Outbox\RelayStore;
use Waybill\Outbox\Row;
use Waybill\Outbox\RowSize;
use Waybill\PublishItem;
use Waybill\PublishOptions;

final class RelayTest extends OutboxTestCase
{
    #[DataProvider('databases')]
    public function testACommitPublishesAndARollbackLeavesNothing(string $kind): void
    {
        $connect = $this->database($kind);
        $pdo = $connect();
        $this->open();
        $outbox = new Outbox();
        $pdo->beginTransaction();
        $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
        $outbox->publish($pdo, $this->topic, 'undone');
        $pdo->rollBack();
        $pdo->beginTransaction();
        $pdo->exec('INSERT INTO accounts VALUES (2, 2)');
        $id = $outbox->publish($pdo, $this->topic, "done \x00\xff", new PublishOptions(key: 'k', headers: ['h' => 'ö']));
        $pdo->commit();

        self::assertSame(1, self::relay($this->client, $connect)->drain());
        $taken = $this->take(1);
        self::assertSame([$id, "done \x00\xff", 'k', ['h' => 'ö']], [$taken[0]->message->id, $taken[0]->message->body, $taken[0]->message->key, $taken[0]->message->headers]);
        self::assertSame([1, 0], [self::rows($pdo, 'accounts'), self::rows($pdo, 'waybill_outbox')]);
        self::assertSame([], $this->take(1, 0.2));
    }

    #[DataProvider('databases')]
    public function testADelayCountsFromWhenTheRowWasWritten(string $kind): void
    {
        $connect = $this->database($kind);
        $this->open();
        $begun = microtime(true);
        self::write($connect(), [new PublishItem($this->topic, 'later', new PublishOptions(delay: 2))]);
        self::relay($this->client, $connect)->drain();

        self::assertCount(1, $this->take(1));
        self::assertGreaterThanOrEqual(2, microtime(true) - $begun);
    }

    #[DataProvider('databases')]
    public function testTheRowsOfAKeyKeepTheirOrder(string $kind): void
    {
        $connect = $this->database($kind);
        $this->open();
        $items = [];
        foreach (range(0, 299) as $at) {
            $items[] = new PublishItem($this->topic, (string) $at, new PublishOptions(key: 'key ' . $at % 7));
        }
        self::write($connect(), $items);
        self::assertSame(300, self::relay($this->client, $connect, new RelayOptions(batch: 40))->drain());

        self::assertInOrder($this->take(300), 300);
    }

    #[DataProvider('databases')]
    public function testOfLargeRowsFewAreInMemoryAtATimeAndTheOrderStays(string $kind): void
    {
        $connect = $this->database($kind);
        $this->open();
        $rest = str_repeat("\x00", 400_000);
        // The first are small, so that it does not know what comes.
        $items = array_map(fn(int $at) => new PublishItem($this->topic, $at . ($at < 200 ? '' : $rest), new PublishOptions(key: 'key ' . $at % 7)), range(0, 319));
        $pdo = $connect();
        self::write($pdo, $items);
        unset($items);
        // Found together.
        $pdo->exec('UPDATE waybill_outbox SET slot = 1');
        $relay = self::relay($this->client, $connect, new RelayOptions(lease: 60));
        memory_reset_peak_usage();
        $before = memory_get_usage();
        self::assertSame(320, $relay->drain());

        self::assertLessThan(44 << 20, memory_get_peak_usage() - $before);
        self::assertInOrder($this->take(320), 320);
    }

    #[DataProvider('databases')]
    public function testSizesAreBytesAndARowThatWasSettledMeanwhileIsNotRead(string $kind): void
    {
        $connect = $this->database($kind);
        $pdo = $connect();
        $items = array_map(fn(string $id) => new PublishItem($this->topic, "ö\x00{$id}", new PublishOptions($id, 'k', $id === 'c' ? ['h' => 'ö'] : [])), ['a', 'b', 'c', 'd']);
        self::write($pdo, $items);
        $store = new RelayStore($connect, 'waybill_outbox');
        $sizes = $store->measure([Row::slot('k', '') => 0], 3);
        $pdo->exec("UPDATE waybill_outbox SET state = 'failed' WHERE id = 'a'");
        $pdo->exec("DELETE FROM waybill_outbox WHERE id = 'b'");
        $rows = $sizes === [] ? [] : $store->read(array_map(static fn(RowSize $size) => $size->seq, $sizes));

        self::assertSame([4, 4, 4 + \strlen('{"h":"ö"}')], array_map(static fn(RowSize $size) => $size->bytes, $sizes));
        self::assertSame(['c'], array_map(static fn(RelayedRow $row) => $row->id, $rows));
    }

    #[DataProvider('databases')]
    public function testWhatIsTooMuchForAStatementIsWrittenInSeveral(string $kind): void
    {
        $pdo = ($this->database($kind))();
        // With what must be escaped it is more than MariaDB takes at once.
        self::write($pdo, array_map(fn(int $at) => new PublishItem($this->topic, str_repeat("'", 200_000), new PublishOptions(id: "id-{$at}")), range(1, 100)));
        self::assertSame(100, self::rows($pdo, 'waybill_outbox'));
    }

    #[DataProvider('databases')]
    public function testARowThatCommitsLateWithALowNumberIsNotSkipped(string $kind): void
    {
        if ($kind === 'sqlite') {
            // Its writers are one after the other: no number is late.
            $this->expectNotToPerformAssertions();

            return;
        }
        $connect = $this->database($kind);
        $this->open();
        $slow = $connect();
        $slow->beginTransaction();
        (new Outbox())->publish($slow, $this->topic, 'late');
        self::write($connect(), [new PublishItem($this->topic, 'early')]);
        $drain = fn(): int => self::relay($this->client, $connect)->drain();
        $published = [$drain()];
        $slow->commit();
        $published[] = $drain();
        self::assertSame([1, 1], $published);

        self::assertEqualsCanonicalizing(['early', 'late'], self::bodies($this->take(2)));
    }

    #[DataProvider('databases')]
    public function testWhatTheBusRefusesIsSetAsideAndHoldsNothingUp(string $kind): void
    {
        $connect = $this->database($kind);
        $pdo = $connect();
        $this->open();
        self::write($pdo, [
            new PublishItem($this->topic, str_repeat('x', 6 << 20), new PublishOptions(id: 'large', key: 'k')),
            new PublishItem($this->topic, 'next', new PublishOptions(key: 'k')),
        ]);
        $failed = [];
        $relay = self::relay($this->client, $connect, new RelayOptions(onFailed: static function (RelayedRow $row) use (&$failed): void {
            $failed[] = $row->id;
        }));
        self::assertSame(1, $relay->drain());
        self::assertSame(['next'], self::bodies($this->take(1)));
        self::assertSame(['large'], $failed);
        self::assertSame('large', $relay->failed()[0]->id);
        self::assertNotSame('', $relay->failed()[0]->error);
        self::assertSame([0, 1], [$relay->lag()->rows, $relay->lag()->failed]);
        self::assertSame(1, $relay->retry());
        self::assertSame(1, $relay->lag()->rows);
    }

    #[DataProvider('databases')]
    public function testARowThatNobodyCanEncodeDoesNotSetTheOthersAside(string $kind): void
    {
        $connect = $this->database($kind);
        $pdo = $connect();
        $this->open();
        self::write($pdo, [
            new PublishItem($this->topic, 'good'),
            new PublishItem($this->topic, 'bad', new PublishOptions(id: 'bad')),
            new PublishItem($this->topic, 'good too'),
        ]);
        $pdo->exec("UPDATE waybill_outbox SET ttl_ms = 9000000000000 WHERE id = 'bad'");
        $pdo->exec('UPDATE waybill_outbox SET slot = 1');
        $calls = 0;
        $counting = Client::connect(new ConnectOptions(self::gateway()->url(), deadline: 5, token: static function () use (&$calls): null {
            ++$calls;

            return null;
        }));
        $relay = self::relay($counting, $connect);
        $relay->drain();

        self::assertEqualsCanonicalizing(['good', 'good too'], self::bodies($this->take(2)));
        self::assertSame(['bad'], array_map(static fn($row) => $row->id, $relay->failed()));
        self::assertSame(1, $calls, 'the others go together');
    }

    #[DataProvider('databases')]
    public function testWithoutATokenRowsWait(string $kind): void
    {
        $connect = $this->database($kind);
        self::write($connect(), [new PublishItem($this->topic, 'waits'), new PublishItem($this->topic, 'waits', new PublishOptions(key: 'k'))]);
        $errors = [];
        $locked = Client::connect(new ConnectOptions(self::gateway()->url(), token: static fn() => throw new \RuntimeException('the vault is away')));
        $relay = self::relay($locked, $connect, new RelayOptions(onError: static function (\Throwable $thrown) use (&$errors): void {
            $errors[] = $thrown->getMessage();
        }));

        self::assertSame(0, $relay->drain());
        self::assertSame([2, 0], [$relay->lag()->rows, $relay->lag()->failed]);
        self::assertSame(['the vault is away'], array_unique($errors));
    }

    #[DataProvider('databases')]
    public function testWhatAnotherRelayHasPublishedIsDroppedAsADuplicate(string $kind): void
    {
        $connect = $this->database($kind);
        $this->open();
        self::write($connect(), [new PublishItem($this->topic, 'once', new PublishOptions(id: 'same'))]);
        // As a relay that died between the confirm and the delete.
        $this->client->publish($this->topic, 'once', new PublishOptions(id: 'same'));
        self::assertSame(1, self::relay($this->client, $connect)->drain());

        self::assertCount(1, $this->take(1));
        self::assertSame([], $this->take(1, 0.2));
    }

    #[DataProvider('databases')]
    public function testWhileTheBusIsAwayRowsWait(string $kind): void
    {
        $connect = $this->database($kind);
        self::write($connect(), [new PublishItem($this->topic, 'waits', new PublishOptions(key: 'k'))]);
        $nowhere = Client::connect(new ConnectOptions('127.0.0.1:1', deadline: 0.3));
        $relay = self::relay($nowhere, $connect);
        self::assertSame(0, $relay->drain());
        self::assertSame([1, 0], [$relay->lag()->rows, $relay->lag()->failed]);
        self::assertSame(0, (int) self::cell($connect(), 'SELECT attempts FROM waybill_outbox'));
    }

    #[DataProvider('databases')]
    public function testRelaysThatAreKilledLoseAndDoubleNothing(string $kind): void
    {
        $connect = $this->database($kind);
        $pdo = $connect();
        $this->open();
        foreach (range(0, 9) as $part) {
            self::write($pdo, array_map(fn(int $at) => new PublishItem($this->topic, "{$part}-{$at}", new PublishOptions(key: "key {$part}")), range(0, 29)));
        }
        $url = self::gateway()->url();
        $work = static function () use ($connect, $url): void {
            (new Relay(Client::connect($url), $connect, new RelayOptions(tick: 0.05, batch: 8, lease: 1)))->run();
        };
        foreach (range(1, 3) as $_) {
            $child = self::fork($work);
            usleep(150_000);
            posix_kill($child, \SIGKILL);
            pcntl_waitpid($child, $status);
        }
        $children = [self::fork($work), self::fork($work)];
        $until = microtime(true) + 60;
        while (self::rows($pdo = $connect(), 'waybill_outbox') > 0 && microtime(true) < $until) {
            usleep(50_000);
        }
        foreach ($children as $child) {
            posix_kill($child, \SIGKILL);
            pcntl_waitpid($child, $status);
        }
        self::assertSame(0, self::rows($pdo, 'waybill_outbox'));
        $bodies = self::bodies($this->take(301, 2));
        self::assertCount(300, $bodies);
        self::assertCount(300, array_unique($bodies));
    }

    #[DataProvider('databases')]
    public function testATableOfTableConsumersHasNoRelay(string $kind): void
    {
        $connect = $this->database($kind);
        $connect()->exec("UPDATE waybill_outbox_slots SET owner = 'clients', until_ms = 9007199254740991");
        $this->expectException(FailedPreconditionException::class);
        self::relay($this->client, $connect)->run();
    }

    /**
     * @param \Closure(): \PDO $connect
     */
    private static function relay(Client $client, \Closure $connect, RelayOptions $options = new RelayOptions()): Relay
    {
        return new Relay($client, $connect, $options);
    }

    /**
     * @param list<PublishItem> $items
     */
    private static function write(\PDO $pdo, array $items): void
    {
        $pdo->beginTransaction();
        (new Outbox())->publishMany($pdo, $items);
        $pdo->commit();
    }

    /**
     * All of them, once, those of a key in the order of the numbers that their bodies begin with.
     *
     * @param list<Delivery> $deliveries
     */
    private static function assertInOrder(array $deliveries, int $count): void
    {
        $ids = [];
        $times = [];
        foreach ($deliveries as $delivery) {
            $times[$delivery->message->key][(int) $delivery->message->body] = $delivery->message->publishedAt;
            $ids[] = $delivery->message->id;
        }
        self::assertCount($count, array_unique($ids));
        foreach ($times as $published) {
            ksort($published);
            $inOrder = $published;
            asort($inOrder);
            self::assertSame(array_keys($inOrder), array_keys($published));
        }
    }

    /**
     * @param list<Delivery> $deliveries
     *
     * @return list<string>
     */
    private static function bodies(array $deliveries): array
    {
        return array_map(static fn(Delivery $delivery) => $delivery->message->body, $deliveries);
    }

    private static function cell(\PDO $pdo, string $sql): string
    {
        $statement = $pdo->query($sql);
        $cell = $statement === false ? null : $statement->fetchColumn();

        return \is_scalar($cell) ? (string) $cell : '';
    }

    private static function fork(\Closure $work): int
    {
        $child = pcntl_fork();
        if ($child === 0) {
            try {
                $work();
            } catch (\Throwable $thrown) {
                fwrite(\STDERR, $thrown->getMessage() . "\n");
            }
            // Without PHPUnit's own end.
            posix_kill((int) getmypid(), \SIGKILL);
        }

        return $child;
    }
}
