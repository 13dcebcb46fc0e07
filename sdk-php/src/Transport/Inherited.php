<?php

declare(strict_types=1);

namespace Waybill\Transport;

/**
 * Connections that a process has from the one that it was forked from. They are kept and not used: closed here, TLS would say goodbye
 * on the parent's behalf.
 *
 * At the end of the process PHP closes them all the same, as it has no way to let go of them: over TLS, a call that the parent has under
 * way at that moment ends as Unavailable. The cure is the caller's: fork before the first call, or end the child with
 * `posix_kill(getmypid(), SIGKILL)`.
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
