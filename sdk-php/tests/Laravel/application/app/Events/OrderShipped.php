<?php

declare(strict_types=1);

namespace App\Events;

use Waybill\Laravel\Events\DefinesPublishOptions;
use Waybill\Laravel\Events\ShouldPublish;
use Waybill\PublishOptions;

final readonly class OrderShipped implements ShouldPublish, DefinesPublishOptions
{
    public function __construct(
        public int $order,
        public string $carrier,
        private string $topic = 'orders.shipped',
    ) {}

    public function publishTo(): string
    {
        return $this->topic;
    }

    public function publishOptions(): PublishOptions
    {
        return new PublishOptions(key: "order-{$this->order}");
    }
}
