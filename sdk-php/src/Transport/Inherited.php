<?php

declare(strict_types=1);

namespace Waybill\Transport;

/**
 * Connections that a process has from the one that it was forked from. They are kept and not used: closed here, TLS would say goodbye
 * on the parent's behalf.
 *
 * @internal
 */
final class Inherited
{
    /** @var list<mixed> */
    private static array $connections = [];

    public static function keep(mixed $connection): void
    {
        self::$connections[] = $connection;
    }

    /** How many there are. */
    public static function count(): int
    {
        return \count(self::$connections);
    }

    private function __construct() {}
}
