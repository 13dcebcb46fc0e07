<?php

declare(strict_types=1);

namespace Waybill\Laravel\Events;

use Illuminate\Contracts\Container\Container;
use Illuminate\Contracts\Support\Arrayable;
use Waybill\Laravel\Bus;
use Waybill\PublishOptions;

/**
 * Hears every event that should be published.
 *
 * @internal
 */
final readonly class PublishEvent
{
    public function __construct(private Container $container) {}

    public function handle(ShouldPublish $event): void
    {
        // Asked for each time: a fake may have taken its place.
        $bus = $this->container->make(Bus::class);
        $payload = $event instanceof DefinesPayload ? $event->publishWith() : self::properties($event);
        $options = $event instanceof DefinesPublishOptions ? $event->publishOptions() : new PublishOptions();
        if ($event instanceof ShouldPublishInTransaction) {
            $bus->outbox($event->publishTo(), $payload, $options);
        } else {
            $bus->publish($event->publishTo(), $payload, $options);
        }
    }

    /** Public properties, but for what Laravel's own traits put beside them. */
    private static function properties(ShouldPublish $event): object
    {
        $properties = [];
        foreach (get_object_vars($event) as $name => $value) {
            if ($name !== 'socket') {
                $properties[$name] = $value instanceof Arrayable ? $value->toArray() : $value;
            }
        }

        return (object) $properties;
    }
}
