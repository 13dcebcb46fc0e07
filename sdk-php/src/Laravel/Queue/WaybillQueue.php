<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Illuminate\Bus\UniqueLock;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Queue\ClearableQueue;
use Illuminate\Contracts\Queue\Job as JobContract;
use Illuminate\Contracts\Queue\Queue as QueueContract;
use Illuminate\Contracts\Queue\ShouldBeUnique;
use Illuminate\Queue\Queue;
use Waybill\Client;
use Waybill\Laravel\Outbox\ApplicationOutbox;
use Waybill\Publish\MessageId;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * Laravel's queue on the bus: a queue is the topic `<prefix><queue>`, a job is a message, reserving it is a lease.
 *
 * A dispatch is durable when it returns, or when the pipeline does in which it was made. A job is the worker's until its lease,
 * `retry_after`, ends. How often and when it is tried again is Laravel's to say: the channel's own retry policy is set so high that it
 * never ends a job first.
 */
final class WaybillQueue extends Queue implements QueueContract, ClearableQueue
{
    /** Laravel counts the tries; a job whose worker died is back as soon as its lease has ended. */
    public const MAX_RETRIES = 1000;

    private readonly QueueDepth $depth;
    private readonly JobSource $source;

    public function __construct(
        private readonly Client $publisher,
        Client $worker,
        private readonly QueueOptions $options,
        private readonly ?ApplicationOutbox $outbox,
        private readonly JobPublisher $jobs,
        private readonly WorkedQueues $worked,
    ) {
        $this->dispatchAfterCommit = $options->afterCommit;
        $this->depth = new QueueDepth($publisher, $options->channel);
        $this->source = new JobSource($worker, $options, $this->depth);
    }

    /**
     * @param \UnitEnum|string|null $queue
     */
    public function size($queue = null): int
    {
        return $this->depth->of($this->topic($queue))->all();
    }

    /**
     * @param \UnitEnum|string|null $queue
     */
    public function pendingSize($queue = null): int
    {
        return $this->depth->of($this->topic($queue))->pending;
    }

    /**
     * @param \UnitEnum|string|null $queue
     */
    public function delayedSize($queue = null): int
    {
        return $this->depth->of($this->topic($queue))->delayed;
    }

    /**
     * @param \UnitEnum|string|null $queue
     */
    public function reservedSize($queue = null): int
    {
        return $this->depth->of($this->topic($queue))->reserved;
    }

    /**
     * Null as well where it is not known: a broker cannot be asked.
     *
     * @param \UnitEnum|string|null $queue
     */
    public function creationTimeOfOldestPendingJob($queue = null): ?int
    {
        return $this->depth->of($this->topic($queue))->oldest;
    }

    /**
     * @param \Closure|string|object $job
     * @param mixed $data
     * @param \UnitEnum|string|null $queue
     *
     * @return string|null the job's id; null when it waits for a commit
     */
    public function push($job, $data = '', $queue = null): ?string
    {
        return $this->enqueue($job, $data, $queue, null);
    }

    /**
     * @param \DateTimeInterface|\DateInterval|int $delay
     * @param \Closure|string|object $job
     * @param mixed $data
     * @param \UnitEnum|string|null $queue
     *
     * @return string|null the job's id; null when it waits for a commit
     */
    public function later($delay, $job, $data = '', $queue = null): ?string
    {
        return $this->enqueue($job, $data, $queue, $delay);
    }

    /**
     * What `queue:retry` uses: the payload is an old one, so its uuid must not be the message's id, for the bus drops what it knows.
     *
     * @param string $payload
     * @param \UnitEnum|string|null $queue
     * @param array<array-key, mixed> $options
     */
    public function pushRaw($payload, $queue = null, array $options = []): string
    {
        return $this->send($this->item($payload, $queue, null, ''));
    }

    /**
     * Pushes them together, in a few calls.
     *
     * @param array<array-key, mixed>|string|object $jobs
     * @param mixed $data
     * @param \UnitEnum|string|null $queue
     */
    public function bulk($jobs, $data = '', $queue = null): void
    {
        $jobs = \is_array($jobs) ? $jobs : [$jobs];
        if ($this->toOutbox()) {
            $this->bulkToOutbox($jobs, $data, $queue);

            return;
        }
        $this->jobs->together(function () use ($jobs, $data, $queue): void {
            foreach ($jobs as $job) {
                $job = self::job($job);
                $this->enqueue($job, $data, $queue, \is_object($job) ? Delay::of($job) : null);
            }
        });
    }

    /**
     * @param \UnitEnum|string|null $queue
     * @param int $index of the queue among those of the worker, where Laravel tells it
     */
    public function pop($queue = null, $index = 0): ?JobContract
    {
        $several = $index > 0 || $this->worked->areSeveral($this->connectionName);
        $delivery = $this->source->next($this->topic($queue), $several, $this->quitting(...));
        if ($delivery === null) {
            return null;
        }
        $job = new WaybillJob($this->container, $this, $delivery, $this->connectionName, $this->name($queue));
        $job->reserveFor($this->options->retryAfter);

        return $job;
    }

    /**
     * Ends what waits, now or for its time. What workers have is theirs.
     *
     * @param \UnitEnum|string|null $queue
     *
     * @return int how many jobs that were
     */
    public function clear($queue): int
    {
        return $this->depth->clear($this->topic($queue));
    }

    /**
     * Publishes a job anew that was tried too often for one message to count. The id makes it one job, however often this is called.
     *
     * @internal
     *
     * @param \DateTimeInterface|\DateInterval|int $delay
     */
    public function renew(WaybillJob $job, $delay): void
    {
        $item = $this->item($job->getRawBody(), $job->getQueue(), $delay, "{$job->getJobId()}+{$job->attempts()}");
        $options = $item->options->withHeader(WaybillJob::ATTEMPTS, (string) $job->attempts());
        $this->publisher->publish($item->topic, $item->body, $options);
    }

    /**
     * What is dispatched inside goes at once, although a pipeline is open.
     *
     * @internal
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     */
    public function apart(\Closure $work): mixed
    {
        return $this->jobs->apart($work);
    }

    /** The topic of a queue; null is the default queue. */
    public function topic(\UnitEnum|string|null $queue): string
    {
        return $this->options->prefix . $this->name($queue);
    }

    /**
     * @param \Closure|string|object $job
     */
    protected function shouldDispatchAfterCommit($job): bool
    {
        // A row of the outbox is a part of the transaction: it needs no commit to wait for.
        return !$this->toOutbox() && parent::shouldDispatchAfterCommit($job);
    }

    /**
     * The uuid is what the bus knows the job by. Laravel's own are all chance; of these, those of one moment are neighbours, which the
     * gateway remembers by one mark.
     *
     * @param string $queue
     * @param array<array-key, mixed> $payload
     *
     * @return array<array-key, mixed>
     */
    protected function withCreatePayloadHooks($queue, array $payload): array
    {
        return parent::withCreatePayloadHooks($queue, ['uuid' => MessageId::make()] + $payload);
    }

    /**
     * @param \Closure|string|object $job
     * @param \DateTimeInterface|\DateInterval|int|null $delay
     */
    private function enqueue($job, mixed $data, \UnitEnum|string|null $queue, $delay): ?string
    {
        if (\is_object($job) && $this->toOutbox()) {
            $this->unlockOnRollback($job);
        }

        return $this->enqueueBy($this->send(...), $job, $data, $queue, $delay);
    }

    /**
     * @param callable(PublishItem): string $send answers with the message's id
     * @param \Closure|string|object $job
     * @param \DateTimeInterface|\DateInterval|int|null $delay
     */
    private function enqueueBy(callable $send, $job, mixed $data, \UnitEnum|string|null $queue, $delay): ?string
    {
        $payload = $this->createPayload($job, $this->name($queue), $data, $delay);
        $id = $this->enqueueUsing($job, $payload, $this->name($queue), $delay, fn(string $payload) => $send(
            $this->item($payload, $queue, $delay, self::uuid($payload)),
        ));

        return \is_string($id) ? $id : null;
    }

    /**
     * @param \DateTimeInterface|\DateInterval|int|null $delay
     */
    private function item(string $payload, \UnitEnum|string|null $queue, $delay, string $id): PublishItem
    {
        $seconds = $delay === null ? 0 : $this->secondsUntil($delay);
        $options = new PublishOptions($id, headers: ['content-type' => 'application/json'], delay: $seconds > 0 ? $seconds : null);

        return new PublishItem($this->topic($queue), $payload, $options);
    }

    /**
     * As rows that are written together.
     *
     * @param array<array-key, mixed> $jobs
     */
    private function bulkToOutbox(array $jobs, mixed $data, \UnitEnum|string|null $queue): void
    {
        $items = [];
        $collect = static function (PublishItem $item) use (&$items): string {
            $items[] = $item;

            return $item->options->id;
        };
        foreach ($jobs as $job) {
            $job = self::job($job);
            $this->enqueueBy($collect, $job, $data, $queue, \is_object($job) ? Delay::of($job) : null);
        }
        $this->outbox?->publishMany($items);
    }

    private static function job(mixed $job): string|object
    {
        if (!\is_string($job) && !\is_object($job)) {
            throw new \InvalidArgumentException('a job is an object or the name of a class, not ' . get_debug_type($job));
        }

        return $job;
    }

    /** Answers with the message's id. */
    private function send(PublishItem $item): string
    {
        if ($this->outbox !== null && $this->toOutbox()) {
            return $this->outbox->publishMany([$item])[0];
        }

        return $this->jobs->publish($this->publisher, $item);
    }

    /** As Laravel does for a job that waits for the commit: what was never queued must not keep others out. */
    private function unlockOnRollback(object $job): void
    {
        $transactions = $this->container->bound('db.transactions') ? $this->container->make('db.transactions') : null;
        // Laravel 12 and later.
        $onRollback = [$transactions, 'addCallbackForRollback'];
        if (!\is_callable($onRollback)) {
            return;
        }
        if ($job instanceof ShouldBeUnique) {
            $onRollback(fn() => (new UniqueLock($this->container->make(Cache::class)))->release($job));
        }
        // Laravel 13.
        $debounced = 'Illuminate\\Bus\\DebounceLock';
        $owner = $job->debounceOwner ?? '';
        if ($owner !== '' && class_exists($debounced)) {
            $onRollback(function () use ($debounced, $job, $owner): void {
                $release = [new $debounced($this->container->make(Cache::class)), 'release'];
                if (\is_callable($release)) {
                    $release($job, $owner);
                }
            });
        }
    }

    private function toOutbox(): bool
    {
        return $this->outbox !== null && $this->outbox->isOpen();
    }

    private function name(\UnitEnum|string|null $queue): string
    {
        $queue = match (true) {
            $queue instanceof \BackedEnum => (string) $queue->value,
            $queue instanceof \UnitEnum => $queue->name,
            default => (string) $queue,
        };

        $queue = $queue === '' ? $this->options->queue : $queue;
        // From Laravel 13 on an application may forward queues to others.
        $routes = $this->container->bound('queue.routes') ? $this->container->make('queue.routes') : null;
        $forward = [$routes, 'forwardedQueue'];
        $forwarded = \is_callable($forward) ? $forward($queue, $this->connectionName) : $queue;

        return \is_string($forwarded) ? $forwarded : $queue;
    }

    /** Whether a signal has told the worker to end, so that it does not go on waiting. */
    private function quitting(): bool
    {
        $worker = $this->container->bound('queue.worker') ? $this->container->make('queue.worker') : null;

        return \is_object($worker) && (($worker->shouldQuit ?? false) === true || ($worker->paused ?? false) === true);
    }

    /** A dispatch that is sent again is one job: what the payload is known by is the message's id. */
    private static function uuid(string $payload): string
    {
        // Where `withCreatePayloadHooks` puts it; nothing else of a payload, which may be large, need be read.
        if (preg_match('/^\{"uuid":"([^"\\\\]+)"/', $payload, $match) === 1) {
            return $match[1];
        }
        $decoded = json_decode($payload, true);
        $uuid = \is_array($decoded) ? $decoded['uuid'] ?? '' : '';

        return \is_string($uuid) ? $uuid : '';
    }
}
