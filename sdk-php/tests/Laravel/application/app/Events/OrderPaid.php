<?php

declare(strict_types=1);

namespace App\Events;

use Waybill\Laravel\Events\DefinesPayload;
use Waybill\Laravel\Events\ShouldPublishInTransaction;

final readonly class OrderPaid implements ShouldPublishInTransaction, DefinesPayload
{
    public function __construct(
        private int $order,
        private string $topic = 'orders.paid',
    ) {}

    public function publishTo(): string
    {
        return $this->topic;
    }

    public function publishWith(): mixed
    {
        return ['id' => $this->order, 'state' => 'paid'];
    }
}
