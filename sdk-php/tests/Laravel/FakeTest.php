<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Events\OrderPaid;
use App\Events\OrderShipped;
use PHPUnit\Framework\AssertionFailedError;
use Waybill\Laravel\Facades\Waybill;
use Waybill\Laravel\Testing\PublishedMessage;
use Waybill\Outcome;
use Waybill\PublishItem;
use Waybill\PublishOptions;

final class FakeTest extends ApplicationTestCase
{
    public function testNothingIsPublishedAndAllCanBeAsserted(): void
    {
        Waybill::fake();
        Waybill::assertNothingPublished();
        $published = Waybill::publish('orders', ['id' => 1], new PublishOptions(delay: 5));
        Waybill::publishMany([new PublishItem('orders', 'two'), new PublishItem('news', 'three')]);
        event(new OrderShipped(7, 'rail'));
        event(new OrderPaid(8));

        self::assertSame(Outcome::Scheduled, $published->outcome);
        Waybill::assertPublished('orders');
        Waybill::assertPublished('orders', 2);
        Waybill::assertPublished('orders', static fn(PublishedMessage $message) => $message->body === '{"id":1}');
        self::assertSame(['id' => 1], Waybill::published('orders')[0]->json());
        Waybill::assertPublished('orders.shipped', static fn(PublishedMessage $message) => $message->options->key === 'order-7');
        Waybill::assertPublished('orders.paid', static fn(PublishedMessage $message) => $message->outbox);
        Waybill::assertPublishedTimes('news');
        Waybill::assertNotPublished('orders.lost');
        Waybill::assertNotPublished('orders', static fn(PublishedMessage $message) => $message->body === 'three');
        self::assertCount(2, Waybill::published('orders'));
    }

    public function testAPipelineRunsAndAnswers(): void
    {
        Waybill::fake();
        $answer = Waybill::pipeline(static fn() => Waybill::publish('orders', 'one')->id);

        Waybill::assertPublished('orders', static fn(PublishedMessage $message) => $message->id === $answer);
    }

    public function testAnAssertionThatFailsSaysWhatWasPublished(): void
    {
        Waybill::fake();
        Waybill::publish('orders', 'one');
        foreach ([
            static fn() => Waybill::assertNothingPublished(),
            static fn() => Waybill::assertNotPublished('orders'),
            static fn() => Waybill::assertPublishedTimes('orders', 2),
            static fn() => Waybill::assertPublished('news'),
        ] as $assertion) {
            try {
                $assertion();
            } catch (AssertionFailedError $failure) {
                self::assertStringContainsString('orders', $failure->getMessage());
                continue;
            }
            self::fail('it held');
        }
    }
}
