<?php

declare(strict_types=1);

use Illuminate\Database\Connection;
use Illuminate\Database\ConnectionResolverInterface;
use Illuminate\Database\Migrations\Migration;
use Waybill\Outbox\Dialect;
use Waybill\Outbox\Schema;

/** The outbox with its slots, and the inbox. */
return new class extends Migration {
    public function up(): void
    {
        $database = $this->database();
        $dialect = Dialect::of($database->getPdo());
        foreach ([...Schema::outbox($dialect, $this->table('outbox')), ...Schema::inbox($dialect, $this->table('inbox'))] as $statement) {
            $database->unprepared($statement);
        }
    }

    public function down(): void
    {
        $outbox = $this->table('outbox');
        foreach ([$outbox, "{$outbox}_slots", $this->table('inbox')] as $table) {
            $this->database()->unprepared("DROP TABLE IF EXISTS {$table}");
        }
    }

    public function getConnection(): ?string
    {
        $name = config('waybill.outbox.connection');

        return \is_string($name) && $name !== '' ? $name : null;
    }

    private function table(string $name): string
    {
        $table = config("waybill.{$name}.table");

        return \is_string($table) ? $table : "waybill_{$name}";
    }

    private function database(): Connection
    {
        $connection = app(ConnectionResolverInterface::class)->connection($this->getConnection());

        return $connection instanceof Connection ? $connection : throw new LogicException('the outbox needs a connection with PDO');
    }
};
