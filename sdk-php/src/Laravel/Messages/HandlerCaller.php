<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Illuminate\Contracts\Container\Container;
use Illuminate\Database\ConnectionResolverInterface;
use Waybill\Delivery;
use Waybill\Inbox\Inbox;
use Waybill\Message;

/**
 * Calls a handler's `handle`, which may ask for the Message, the Delivery, and whatever the container knows.
 *
 * @internal
 */
final readonly class HandlerCaller
{
    public function __construct(
        private Container $container,
        private Inbox $inbox,
    ) {}

    public function call(Subscription $subscription, Message $message, Delivery $delivery): void
    {
        if ($subscription->once === null) {
            $this->handle($subscription, $message, $delivery);

            return;
        }
        $name = $subscription->once === '' ? null : $subscription->once;
        $database = $this->container->make(ConnectionResolverInterface::class)->connection($name);
        $database->transaction(fn() => $this->inbox->once(
            $database,
            $subscription->channel,
            $message,
            fn() => $this->handle($subscription, $message, $delivery),
        ));
    }

    private function handle(Subscription $subscription, Message $message, Delivery $delivery): void
    {
        $handle = [$this->container->make($subscription->handler), 'handle'];
        if (!\is_callable($handle)) {
            throw new \LogicException("{$subscription->handler} has no public method handle");
        }
        $this->container->call($handle, [
            Message::class => $message,
            Delivery::class => $delivery,
        ]);
    }
}
