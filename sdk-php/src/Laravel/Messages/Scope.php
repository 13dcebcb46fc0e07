<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Illuminate\Contracts\Container\Container;
use Illuminate\Database\ConnectionInterface;
use Illuminate\Database\DatabaseManager;
use Illuminate\Support\Facades\Facade;

/**
 * What one message leaves in the application must not be there for the next: as `queue:work` sees to before each job.
 *
 * @internal
 */
final class Scope
{
    public static function reset(Container $app): void
    {
        $log = $app->make('log');
        self::tell($log, 'flushSharedContext');
        self::tell($log, 'withoutContext');
        if ($app->resolved('db')) {
            $database = $app->make('db');
            foreach ($database instanceof DatabaseManager ? $database->getConnections() : [] as $connection) {
                self::forgetDurations($connection);
            }
        }
        self::tell($app, 'forgetScopedInstances');
        Facade::clearResolvedInstances();
    }

    private static function forgetDurations(ConnectionInterface $connection): void
    {
        self::tell($connection, 'resetTotalQueryDuration');
        self::tell($connection, 'allowQueryDurationHandlersToRunAgain');
    }

    /** Not every version, or logger of an application's own, has all of these. */
    private static function tell(mixed $object, string $method): void
    {
        $call = [$object, $method];
        if (\is_object($object) && method_exists($object, $method) && \is_callable($call)) {
            $call();
        }
    }

    private function __construct() {}
}
