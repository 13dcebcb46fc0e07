<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Database\Connection;
use Illuminate\Database\ConnectionResolverInterface;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Settings;
use Waybill\Outbox\Outbox;
use Waybill\Outbox\Relay;
use Waybill\Outbox\RelayedRow;
use Waybill\Outbox\RelayOptions;

final class RelayCommand extends GatewayCommand
{
    private const SIGTERM = 15;
    private const SIGINT = 2;

    protected $signature = 'waybill:relay
        {--connection= : The database connection of the outbox}
        {--table= : The outbox table}
        {--tick=0.5 : Seconds before it looks again when there was nothing}
        {--lease=10 : Seconds that others leave the rows of a relay that died alone}
        {--batch=1000 : The most rows of one read}
        {--stop-when-empty : End when everything has been published}
        {--lag : Only say how far the relays are behind}
        {--failed : Only list the rows that the bus refused for good}
        {--retry=* : Only try failed rows again, by number, or all}';

    protected $description = 'Publish what the outbox holds; any number may run';

    protected function work(): int
    {
        $lease = $this->number('lease', 1) ?? 10;
        $relay = $this->relay($lease);
        if ($this->option('lag') === true) {
            return $this->lag($relay);
        }
        if ($this->option('failed') === true) {
            return $this->failed($relay);
        }
        if ($this->many('retry') !== []) {
            return $this->retry($relay);
        }
        $this->trap([self::SIGTERM, self::SIGINT], static fn() => $relay->stop());
        if ($this->option('stop-when-empty') === true) {
            $this->components->info(\sprintf('%d published.', $relay->drain()));

            return self::SUCCESS;
        }
        $this->components->info('Relaying the outbox.');
        $relay->run(fn(int $rows) => $this->components->twoColumnDetail(
            '<fg=gray>' . date('Y-m-d H:i:s') . '</> outbox',
            "<fg=gray>{$rows} " . ($rows === 1 ? 'message' : 'messages') . '</> <fg=green;options=bold>PUBLISHED</>',
        ));

        return self::SUCCESS;
    }

    private function relay(float $lease): Relay
    {
        $settings = Settings::of('waybill.outbox', $this->laravel->make(Repository::class)->get('waybill.outbox'));
        $name = $this->given('connection') ?? $settings->optional('connection');
        $databases = $this->laravel->make(ConnectionResolverInterface::class);

        return new Relay(
            $this->laravel->make(Clients::class)->withDeadline($lease / 2),
            static fn() => self::pdo($databases, $name),
            new RelayOptions(
                $this->given('table') ?? $settings->string('table', Outbox::TABLE),
                $this->number('tick', 0.01) ?? 0.5,
                $this->whole('batch') ?? 1000,
                $lease,
                onError: fn(\Throwable $error, ?RelayedRow $row) => $this->told($error, $row),
            ),
        );
    }

    private function told(\Throwable $error, ?RelayedRow $row): void
    {
        $what = $row === null ? 'the database' : "{$row->topic} <fg=gray>{$row->id}</>";
        $why = self::plain($error->getMessage());
        $this->components->twoColumnDetail("{$what} <fg=gray>{$why}</>", '<fg=red;options=bold>FAIL</>');
    }

    private function lag(Relay $relay): int
    {
        $lag = $relay->lag();
        $this->components->twoColumnDetail('Waiting', (string) $lag->rows);
        $this->components->twoColumnDetail('The oldest', \sprintf('%.1f s', $lag->oldestSeconds));
        $this->components->twoColumnDetail('Refused', (string) $lag->failed);

        return self::SUCCESS;
    }

    private function failed(Relay $relay): int
    {
        $rows = [];
        for ($after = 0; ($page = $relay->failed(1000, $after)) !== []; $after = $page[array_key_last($page)]->seq) {
            foreach ($page as $row) {
                $rows[] = [$row->seq, $row->topic, $row->id, $row->attempts, $row->createdAt->format('Y-m-d H:i:s'), $row->error];
            }
        }
        if ($rows === []) {
            $this->components->info('The bus has refused nothing.');
        } else {
            $this->plainTable(['Number', 'Topic', 'Id', 'Attempts', 'Written', 'Error'], $rows);
        }

        return self::SUCCESS;
    }

    private function retry(Relay $relay): int
    {
        $numbers = $this->many('retry');
        $count = $relay->retry($numbers === ['all'] ? null : array_map(intval(...), $numbers));
        $this->components->info("{$count} wait again.");

        return self::SUCCESS;
    }

    /** A connection of its own making each time: the one before may be lost. */
    private static function pdo(ConnectionResolverInterface $databases, ?string $name): \PDO
    {
        $connection = $databases->connection($name);
        if (!$connection instanceof Connection) {
            throw new \LogicException('the outbox needs a connection with PDO');
        }
        $connection->reconnect();

        return $connection->getPdo();
    }
}
