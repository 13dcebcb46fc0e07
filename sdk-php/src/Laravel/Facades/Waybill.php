<?php

declare(strict_types=1);

namespace Waybill\Laravel\Facades;

use Illuminate\Support\Facades\Facade;
use Waybill\Client;
use Waybill\Laravel\Bus;
use Waybill\Laravel\Testing\FakeBus;
use Waybill\Laravel\Testing\PublishedMessage;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * @method static void assertPublished(string $topic, (\Closure(PublishedMessage): bool)|int|null $expected = null)
 * @method static void assertPublishedTimes(string $topic, int $times = 1)
 * @method static void assertNotPublished(string $topic, (\Closure(PublishedMessage): bool)|null $which = null)
 * @method static void assertNothingPublished()
 * @method static list<PublishedMessage> published(string $topic, (\Closure(PublishedMessage): bool)|null $which = null)
 *
 * @see Bus what each call does
 * @see FakeBus the assertions, after `fake()`
 */
final class Waybill extends Facade
{
    public static function publish(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): Published
    {
        return self::bus()->publish($topic, $payload, $options);
    }

    /**
     * @param iterable<PublishItem> $items
     *
     * @return list<Published>
     */
    public static function publishMany(iterable $items): array
    {
        return self::bus()->publishMany($items);
    }

    public static function publishAfterCommit(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): void
    {
        self::bus()->publishAfterCommit($topic, $payload, $options);
    }

    public static function outbox(string $topic, mixed $payload, PublishOptions $options = new PublishOptions(), ?string $connection = null): string
    {
        return self::bus()->outbox($topic, $payload, $options, $connection);
    }

    /**
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     */
    public static function pipeline(\Closure $work): mixed
    {
        return self::bus()->pipeline($work);
    }

    public static function client(): Client
    {
        return self::bus()->client();
    }

    /** From here on nothing is published, and what would have been can be asserted. */
    public static function fake(): FakeBus
    {
        $fake = new FakeBus();
        self::swap($fake);

        return $fake;
    }

    private static function bus(): Bus
    {
        $bus = self::getFacadeRoot();

        return $bus instanceof Bus ? $bus : throw new \LogicException(Bus::class . ' is bound to what is none');
    }

    protected static function getFacadeAccessor(): string
    {
        return Bus::class;
    }
}
