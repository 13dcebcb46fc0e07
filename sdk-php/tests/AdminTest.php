<?php

declare(strict_types=1);

namespace Waybill\Tests;

use Waybill\Admin\DeadQuery;
use Waybill\Delivery;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\NotFoundException;
use Waybill\PublishOptions;
use Waybill\PullOptions;
use Waybill\Tests\Support\GatewayTestCase;
use Waybill\V1;

final class AdminTest extends GatewayTestCase
{
    public function testTopicsAndChannelsAreListed(): void
    {
        $this->client->admin()->createChannel($this->topic, 'mail');
        $this->client->publish($this->topic, 'x');
        $topics = iterator_to_array($this->client->admin()->topics($this->topic), false);
        self::assertSame([$this->topic], array_map(static fn(V1\Topic $topic) => $topic->getName(), $topics));
        $channels = iterator_to_array($this->client->admin()->channels($this->topic), false);
        self::assertSame(['mail'], array_map(static fn(V1\Channel $channel) => $channel->getName(), $channels));
        self::assertSame(1, (int) $this->client->admin()->channel($this->topic, 'mail')->getDepth()?->getReady());
        $this->expectException(NotFoundException::class);
        $this->client->admin()->channel($this->topic, 'none');
    }

    public function testAPausedChannelHandsOutNothing(): void
    {
        $admin = $this->client->admin();
        $admin->createChannel($this->topic, 'mail');
        $this->client->publish($this->topic, 'x');
        $admin->pause($this->topic, 'mail');
        self::assertSame([], $this->client->pull($this->topic, 'mail', new PullOptions(wait: 0.5)));
        $admin->resume($this->topic, 'mail');
        self::assertCount(1, $this->client->pull($this->topic, 'mail', new PullOptions(wait: 5)));
    }

    public function testPurgeEndsWhatWaits(): void
    {
        $admin = $this->client->admin();
        $admin->createChannel($this->topic, 'mail');
        // Published together they would be one message to a broker, and depths count its messages.
        $this->client->publish($this->topic, 'a');
        $this->client->publish($this->topic, 'b');
        self::assertSame(2, $admin->purge($this->topic, 'mail', dryRun: true)->count);
        $purged = $admin->purge($this->topic, 'mail');
        self::assertSame([2, true], [$purged->count, $purged->complete]);
        self::assertSame([], $this->client->pull($this->topic, 'mail', new PullOptions(wait: 0.3)));
    }

    public function testDeadLettersAreListedRedrivenAndDeleted(): void
    {
        $admin = $this->client->admin();
        $this->client->publish($this->topic, 'x', new PublishOptions(id: 'one', key: 'order 1'));
        $this->take()->reject('no such order');
        $dead = iterator_to_array($admin->dead(new DeadQuery($this->topic, reasonContains: 'SUCH')), false);
        self::assertSame(['one', 'no such order'], [$dead[0]->getId(), $dead[0]->getReason()]);
        self::assertSame(1, $admin->redrive(new DeadQuery($this->topic), dryRun: true)->count);
        self::assertSame(1, $admin->redrive(new DeadQuery($this->topic))->count);
        $this->take()->reject('again');
        self::assertSame(1, $admin->deleteDead(new DeadQuery($this->topic, ids: ['one']))->count);
        self::assertSame([], iterator_to_array($admin->dead(new DeadQuery($this->topic)), false));
        $message = $admin->message('one', $this->topic);
        self::assertSame('one', $message->getId());
    }

    public function testTheScheduleIsListedAndHurried(): void
    {
        $admin = $this->client->admin();
        $admin->createChannel($this->topic, 'mail');
        $published = $this->client->publish($this->topic, 'x', new PublishOptions(delay: 3600));
        $scheduled = iterator_to_array($admin->schedule($this->topic), false);
        self::assertSame([$published->id], array_map(static fn(V1\Scheduled $one) => $one->getId(), $scheduled));
        $admin->runNow($this->topic, $published->id);
        self::assertSame('x', $this->take()->message->body);
    }

    public function testMessagesAreFound(): void
    {
        $this->client->publish($this->topic, 'x');
        $delivery = $this->take();
        $delivery->ack();
        $found = iterator_to_array($this->client->admin()->findMessages((new V1\FindMessagesRequest())->setTopic($this->topic)), false);
        self::assertSame([$delivery->message->id], array_map(static fn(V1\MessageRecord $record) => $record->getId(), $found));
    }

    public function testGatewaysConsumersStatsAndTheAuditAreThere(): void
    {
        $admin = $this->client->admin();
        $admin->createChannel($this->topic, 'mail');
        $this->client->publish($this->topic, 'x');
        self::assertNotSame([], iterator_to_array($admin->nodes(), false));
        self::assertSame([], iterator_to_array($admin->consumers($this->topic), false));
        self::assertGreaterThan(0, (int) $admin->stats()->getTotals()?->getPublished());
        $admin->purge($this->topic, 'mail');
        $entries = iterator_to_array($admin->audit(), false);
        self::assertNotSame([], array_filter($entries, fn(V1\AuditEntry $entry) => str_contains($entry->getTarget(), $this->topic)));
    }

    public function testWhatHoldsMessagesIsDeletedOnlyOnPurpose(): void
    {
        $admin = $this->client->admin();
        $admin->createChannel($this->topic, 'mail');
        $this->client->publish($this->topic, 'x');
        try {
            $admin->deleteChannel($this->topic, 'mail');
            self::fail('it was deleted');
        } catch (FailedPreconditionException $exception) {
            self::assertSame('CHANNEL_NOT_EMPTY', $exception->reason);
        }
        self::assertSame(1, $admin->deleteTopic($this->topic, purge: true, dryRun: true)->getChannels());
        self::assertSame(1, $admin->deleteChannel($this->topic, 'mail', purge: true));
        $this->expectException(NotFoundException::class);
        $admin->channel($this->topic, 'mail');
    }

    private function take(): Delivery
    {
        return $this->client->pull($this->topic, 'mail', new PullOptions(wait: 5))[0] ?? throw new \RuntimeException('no message came');
    }
}
