<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Illuminate\Queue\Events\Looping;

/**
 * Whether the worker of this process has several queues of a connection. Laravel pops them one by one, and begins anew at the first after
 * every job; only the event of its loop tells the whole list.
 *
 * @internal
 */
final class WorkedQueues
{
    /** @var array<string, bool> by connection */
    private array $several = [];

    public function heard(Looping $event): void
    {
        $this->several[$event->connectionName] = str_contains($event->queue, ',');
    }

    public function areSeveral(string $connection): bool
    {
        return $this->several[$connection] ?? false;
    }
}
