<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Illuminate\Contracts\Queue\Queue;
use Illuminate\Queue\Connectors\ConnectorInterface;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Outbox\ApplicationOutbox;

/** Makes queues of the driver `waybill`. */
final readonly class WaybillConnector implements ConnectorInterface
{
    /**
     * @param \Closure(): ApplicationOutbox $outbox
     * @param \Closure(): mixed $defaults reads `config('waybill.queue')`, which lies under the config of each connection
     */
    public function __construct(
        private Clients $clients,
        private \Closure $outbox,
        private JobPublisher $jobs,
        private WorkedQueues $worked,
        private \Closure $defaults,
    ) {}

    /**
     * @param array<array-key, mixed> $config
     */
    public function connect(array $config): Queue
    {
        $defaults = ($this->defaults)();
        $options = QueueOptions::of($config, \is_array($defaults) ? $defaults : []);
        $clients = $this->clients;

        return new WaybillQueue(
            $clients->client($options->url),
            $clients->worker($options->url),
            $options,
            $options->outbox === null ? null : ($this->outbox)()->on($options->outbox),
            $this->jobs,
            $this->worked,
        );
    }
}
