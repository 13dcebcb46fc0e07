<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Illuminate\Contracts\Container\Container;
use Illuminate\Database\DatabaseTransactionsManager;
use Waybill\Client;
use Waybill\Laravel\Outbox\ApplicationOutbox;
use Waybill\Laravel\Queue\JobPublisher;
use Waybill\Published;
use Waybill\PublishOptions;

/** The bus behind the facade, over a gateway. */
final readonly class GatewayBus implements Bus
{
    public function __construct(
        private Clients $clients,
        private Container $container,
        private JobPublisher $jobs,
    ) {}

    public function publish(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): Published
    {
        $item = Payload::item($topic, $payload, $options);

        return $this->client()->publish($item->topic, $item->body, $item->options);
    }

    public function publishMany(iterable $items): array
    {
        return $this->client()->publishMany($items);
    }

    public function publishAfterCommit(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): void
    {
        // Encoded now: what the payload holds may change until the commit.
        $item = Payload::item($topic, $payload, $options);
        $publish = fn() => $this->client()->publish($item->topic, $item->body, $item->options);
        $transactions = $this->container->bound('db.transactions') ? $this->container->make('db.transactions') : null;
        if ($transactions instanceof DatabaseTransactionsManager) {
            $transactions->addCallback($publish);
        } else {
            $publish();
        }
    }

    public function outbox(string $topic, mixed $payload, PublishOptions $options = new PublishOptions(), ?string $connection = null): string
    {
        return $this->container->make(ApplicationOutbox::class)->on($connection ?? '')->publishMany([Payload::item($topic, $payload, $options)])[0];
    }

    public function pipeline(\Closure $work): mixed
    {
        return $this->jobs->together($work);
    }

    public function client(): Client
    {
        return $this->clients->client();
    }
}
