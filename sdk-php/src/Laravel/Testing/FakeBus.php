<?php

declare(strict_types=1);

namespace Waybill\Laravel\Testing;

use PHPUnit\Framework\Assert;
use Waybill\Client;
use Waybill\Laravel\Bus;
use Waybill\Laravel\Payload;
use Waybill\Outcome;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/** Takes what is published, for tests to look at; the queue has `Queue::fake()`. */
final class FakeBus implements Bus
{
    /** @var list<PublishedMessage> */
    private array $messages = [];

    public function publish(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): Published
    {
        return $this->keep(Payload::item($topic, $payload, $options), false);
    }

    public function publishMany(iterable $items): array
    {
        $published = [];
        foreach ($items as $item) {
            $published[] = $this->keep($item, false);
        }

        return $published;
    }

    public function publishAfterCommit(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): void
    {
        $this->publish($topic, $payload, $options);
    }

    public function outbox(string $topic, mixed $payload, PublishOptions $options = new PublishOptions(), ?string $connection = null): string
    {
        return $this->keep(Payload::item($topic, $payload, $options), true)->id;
    }

    public function pipeline(\Closure $work): mixed
    {
        return $work();
    }

    public function client(): Client
    {
        throw new \LogicException('Waybill::fake() publishes to no gateway, so there is no client: fake what uses it');
    }

    /**
     * @param (\Closure(PublishedMessage): bool)|null $which
     *
     * @return list<PublishedMessage> in their order
     */
    public function published(string $topic, ?\Closure $which = null): array
    {
        return array_values(array_filter(
            $this->messages,
            static fn(PublishedMessage $message) => $message->topic === $topic && ($which === null || $which($message)),
        ));
    }

    /**
     * @param (\Closure(PublishedMessage): bool)|int|null $expected which message, or how many
     */
    public function assertPublished(string $topic, \Closure|int|null $expected = null): void
    {
        if (\is_int($expected)) {
            $this->assertPublishedTimes($topic, $expected);

            return;
        }
        Assert::assertNotSame([], $this->published($topic, $expected), "The expected message to [{$topic}] was not published.{$this->seen()}");
    }

    public function assertPublishedTimes(string $topic, int $times = 1): void
    {
        $count = \count($this->published($topic));
        Assert::assertSame($times, $count, "Messages to [{$topic}] were published {$count} times instead of {$times} times.");
    }

    /**
     * @param (\Closure(PublishedMessage): bool)|null $which
     */
    public function assertNotPublished(string $topic, ?\Closure $which = null): void
    {
        Assert::assertSame([], $this->published($topic, $which), "A message to [{$topic}] was published that should not have been.");
    }

    public function assertNothingPublished(): void
    {
        Assert::assertSame([], $this->messages, "Messages were published that should not have been.{$this->seen()}");
    }

    private function keep(PublishItem $item, bool $outbox): Published
    {
        $id = $item->options->id === '' ? \sprintf('fake-%d', \count($this->messages) + 1) : $item->options->id;
        $this->messages[] = new PublishedMessage($id, $item->topic, $item->body, $item->options, $outbox);

        return new Published($id, $item->options->delay === null && $item->options->due === null ? Outcome::Accepted : Outcome::Scheduled);
    }

    private function seen(): string
    {
        $topics = array_count_values(array_map(static fn(PublishedMessage $message) => $message->topic, $this->messages));
        $list = array_map(static fn(string $topic, int $count) => "{$topic} ({$count})", array_map(strval(...), array_keys($topics)), $topics);

        return $list === [] ? ' Nothing was published.' : ' Published: ' . implode(', ', $list) . '.';
    }
}
