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

/**
 * A database with the tables of docs/outbox.md: a file of SQLite, and where WAYBILL_TEST_MYSQL_URL and WAYBILL_TEST_POSTGRES_URL name
 * servers, MariaDB or MySQL, and PostgreSQL, too.
 */
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
        if (getenv('WAYBILL_TEST_POSTGRES_URL') !== false) {
            yield 'PostgreSQL' => ['pgsql'];
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
            $connect = static fn(): \PDO => self::server($kind);
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

    /** A connection whose statements may be under way while the test does something else. */
    protected static function asyncMySql(): \mysqli
    {
        [$host, $port, $database, $user, $password] = self::address('mysql');

        return new \mysqli($host, $user, $password, $database, $port);
    }

    private static function server(string $kind): \PDO
    {
        [$host, $port, $database, $user, $password] = self::address($kind);
        $charset = $kind === 'mysql' ? ';charset=utf8mb4' : '';

        return new \PDO("{$kind}:host={$host};port={$port};dbname={$database}{$charset}", $user, $password);
    }

    /**
     * @return array{string, int, string, string, string} host, port, database, user, password
     */
    private static function address(string $kind): array
    {
        [$name, $port] = $kind === 'mysql' ? ['WAYBILL_TEST_MYSQL_URL', 3306] : ['WAYBILL_TEST_POSTGRES_URL', 5432];
        $url = parse_url((string) getenv($name));
        if ($url === false) {
            throw new \LogicException("{$name} is no URL");
        }

        return [
            $url['host'] ?? '127.0.0.1',
            $url['port'] ?? $port,
            ltrim($url['path'] ?? '', '/'),
            rawurldecode($url['user'] ?? 'root'),
            rawurldecode($url['pass'] ?? ''),
        ];
    }
}
