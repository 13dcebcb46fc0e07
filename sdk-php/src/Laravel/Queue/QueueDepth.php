<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Waybill\Client;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\NotFoundException;
use Waybill\RetryPolicy;
use Waybill\V1\Channel;

/**
 * Counts and clears the jobs of a queue: those of its channel, and those that its topic still keeps, delayed or waiting for a first worker.
 *
 * @internal
 */
final readonly class QueueDepth
{
    private const PARKED_SECONDS = 5.0;
    private const POLL_MICROSECONDS = 20_000;

    /** No more are counted. */
    private const MOST_DELAYED = 50_000;

    public function __construct(
        private Client $client,
        private string $channel,
    ) {}

    public function of(string $topic): Depth
    {
        $depth = $this->channel($topic)?->getDepth();
        $oldestMs = (int) $depth?->getOldestAcceptTimeMs();

        return new Depth(
            (int) $depth?->getReady() + $this->parked($topic),
            $this->delayed($topic),
            (int) $depth?->getInFlight(),
            $oldestMs > 0 ? intdiv($oldestMs, 1000) : null,
        );
    }

    /** Jobs that were dispatched before the queue had any worker. */
    public function parked(string $topic): int
    {
        foreach ($this->client->admin()->topics($topic) as $known) {
            if ($known->getName() === $topic) {
                return (int) $known->getParked();
            }
        }

        return 0;
    }

    public function clear(string $topic): int
    {
        $admin = $this->client->admin();
        // What waits for a first worker comes to the channel as soon as there is one.
        $admin->createChannel($topic, $this->channel, RetryPolicy::fixed(WaybillQueue::MAX_RETRIES, 0));
        $this->awaitParked($topic);
        $cleared = 0;
        do {
            $affected = $admin->purge($topic, $this->channel);
            $cleared += $affected->count;
        } while (!$affected->complete);
        foreach ($admin->schedule($topic) as $scheduled) {
            if ($scheduled->getChannel() === '' && $this->cancelled($topic, $scheduled->getId())) {
                $cleared++;
            }
        }

        return $cleared;
    }

    private function delayed(string $topic): int
    {
        $count = 0;
        foreach ($this->client->admin()->schedule($topic) as $scheduled) {
            if (\in_array($scheduled->getChannel(), ['', $this->channel], true) && ++$count >= self::MOST_DELAYED) {
                break;
            }
        }

        return $count;
    }

    private function channel(string $topic): ?Channel
    {
        try {
            return $this->client->admin()->channel($topic, $this->channel);
        } catch (NotFoundException) {
            return null;
        }
    }

    /** Not what is gone, or on its way already. */
    private function cancelled(string $topic, string $id): bool
    {
        try {
            $this->client->cancel($topic, $id);

            return true;
        } catch (NotFoundException|FailedPreconditionException) {
            return false;
        }
    }

    private function awaitParked(string $topic): void
    {
        $until = microtime(true) + self::PARKED_SECONDS;
        while ($this->parked($topic) > 0 && microtime(true) < $until) {
            usleep(self::POLL_MICROSECONDS);
        }
    }
}
