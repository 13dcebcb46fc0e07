<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\InvalidArgumentException;

/** The SQL that a database speaks; MySql is MariaDB too. */
enum Dialect
{
    case MySql;
    case PostgreSql;
    case Sqlite;

    public static function of(\PDO $pdo): self
    {
        $driver = $pdo->getAttribute(\PDO::ATTR_DRIVER_NAME);

        return match ($driver) {
            'mysql' => self::MySql,
            'pgsql' => self::PostgreSql,
            'sqlite' => self::Sqlite,
            default => throw InvalidArgumentException::option(
                'database',
                \is_string($driver) ? $driver : 'of an unknown kind',
                'MySQL, MariaDB, PostgreSQL or SQLite',
            ),
        };
    }

    /** The database's clock in Unix milliseconds. In MySQL the way that knows no time zone, so no hour comes twice. */
    public function nowMs(): string
    {
        return match ($this) {
            self::MySql => "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000",
            self::PostgreSql => 'floor(extract(epoch FROM clock_timestamp()) * 1000)',
            self::Sqlite => "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
        };
    }

    /** How many bytes a text or a blob has. SQLite's own word for it is younger than what this package asks for, and its LENGTH counts characters. */
    public function bytesOf(string $column): string
    {
        return $this === self::Sqlite ? "LENGTH(CAST({$column} AS BLOB))" : "OCTET_LENGTH({$column})";
    }
}
