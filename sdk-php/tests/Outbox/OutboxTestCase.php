<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Outbox\Dialect;
use Waybill\Outbox\Schema;
use Waybill\PullOptions;
use Waybill\Tests\Support\GatewayTestCase;

/** A database with the tables of docs/outbox.md: a file of SQLite, and where WAYBILL_TEST_MYSQL_URL names a server, MariaDB or MySQL too. */
abstract class OutboxTestCase extends GatewayTestCase
{
    private const TABLES = ['waybill_outbox', 'waybill_outbox_slots', 'waybill_inbox', 'accounts'];

    private ?string $file = null;

    /**
     * @return iterable<string, array{string}>
     */
    public static function databases(): iterable
    {
        yield 'SQLite' => ['sqlite'];
        if (getenv('WAYBILL_TEST_MYSQL_URL') !== false) {
            yield 'MySQL' => ['mysql'];
        }
    }

    protected function tearDown(): void
    {
        if ($this->file !== null) {
            array_map(unlink(...), glob("{$this->file}*") ?: []);
        }
        parent::tearDown();
    }

    /**
     * With fresh tables. What it answers makes further connections.
     *
     * @return \Closure(): \PDO
     */
    protected function database(string $kind): \Closure
    {
        if ($kind === 'sqlite') {
            $file = $this->file = sys_get_temp_dir() . '/waybill-outbox-' . bin2hex(random_bytes(5)) . '.sqlite';
            $connect = static function () use ($file): \PDO {
                $pdo = new \PDO("sqlite:{$file}");
                $pdo->exec('PRAGMA busy_timeout = 10000');
                $pdo->exec('PRAGMA journal_mode = WAL');

                return $pdo;
            };
        } else {
            $connect = self::mysql(...);
        }
        $pdo = $connect();
        foreach (self::TABLES as $table) {
            $pdo->exec("DROP TABLE IF EXISTS {$table}");
        }
        $dialect = Dialect::of($pdo);
        foreach ([...Schema::outbox($dialect), ...Schema::inbox($dialect), 'CREATE TABLE accounts (id INTEGER, balance INTEGER)'] as $statement) {
            $pdo->exec($statement);
        }

        return $connect;
    }

    protected static function rows(\PDO $pdo, string $table): int
    {
        $statement = $pdo->query("SELECT COUNT(*) FROM {$table}");
        $count = $statement === false ? null : $statement->fetchColumn();

        return is_numeric($count) ? (int) $count : -1;
    }

    protected function open(): void
    {
        $this->client->admin()->createChannel($this->topic, 'test');
    }

    /**
     * Takes so many messages, or what there is.
     *
     * @return list<Delivery>
     */
    protected function take(int $count, float $wait = 20): array
    {
        $taken = [];
        while (\count($taken) < $count && ($more = $this->client->pull($this->topic, 'test', new PullOptions(max: $count - \count($taken), wait: $wait))) !== []) {
            $this->client->ack(array_map(static fn(Delivery $delivery) => $delivery->receipt, $more));
            $taken = [...$taken, ...$more];
        }

        return $taken;
    }

    /** A client whose publishes are given up soon. */
    protected static function impatient(): Client
    {
        return Client::connect(new ConnectOptions(self::gateway()->url(), deadline: 2));
    }

    private static function mysql(): \PDO
    {
        $url = parse_url((string) getenv('WAYBILL_TEST_MYSQL_URL'));
        if ($url === false) {
            throw new \LogicException('WAYBILL_TEST_MYSQL_URL is no URL');
        }
        $database = ltrim($url['path'] ?? '', '/');

        return new \PDO(
            \sprintf('mysql:host=%s;port=%d;dbname=%s;charset=utf8mb4', $url['host'] ?? '127.0.0.1', $url['port'] ?? 3306, $database),
            rawurldecode($url['user'] ?? 'root'),
            rawurldecode($url['pass'] ?? ''),
        );
    }
}
