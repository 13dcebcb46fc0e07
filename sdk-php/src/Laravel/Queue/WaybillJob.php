<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Illuminate\Container\Container;
use Illuminate\Contracts\Queue\Job as JobContract;
use Illuminate\Queue\Failed\DatabaseUuidFailedJobProvider;
use Illuminate\Queue\Jobs\Job;
use Waybill\Delivery;
use Waybill\Exception\StaleReceiptException;
use Waybill\Laravel\Messages\PlainMessage;

/**
 * A job that a worker has, until its lease ends.
 *
 * Each way to end it throws a StaleReceiptException when it comes too late, and the worker reports that: somebody else may have worked the
 * job, or is about to.
 */
final class WaybillJob extends Job implements JobContract
{
    /** A header: the attempts that were made under earlier ids of the same job. */
    public const ATTEMPTS = 'laravel-attempts';

    /** What a job needs beyond its own timeout to be killed and settled. */
    private const MARGIN_SECONDS = 15;

    /** No lease is longer. */
    private const LONGEST_SECONDS = 86_400;

    /** @var array<array-key, mixed>|null */
    private ?array $payload = null;

    /** @var array<string, mixed>|null the job that a message of another publisher becomes */
    private readonly ?array $plain;
    private bool $failing = false;
    private ?\Throwable $thrown = null;
    private string $reason = 'released by the job';

    public function __construct(
        Container $container,
        private readonly WaybillQueue $origin,
        private readonly Delivery $delivery,
        string $connectionName,
        string $queue,
    ) {
        $this->container = $container;
        $this->connectionName = $connectionName;
        $this->queue = $queue;
        $this->plain = PlainMessage::payload($delivery->message);
    }

    public function getJobId(): string
    {
        return $this->delivery->message->id;
    }

    public function getRawBody(): string
    {
        return $this->plain === null ? $this->delivery->message->body : json_encode($this->plain, \JSON_THROW_ON_ERROR);
    }

    /**
     * @return array<array-key, mixed>
     */
    public function payload(): array
    {
        if ($this->payload === null) {
            $payload = $this->plain ?? json_decode($this->delivery->message->body, true);
            $this->payload = \is_array($payload) ? $payload : [];
        }

        return $this->payload;
    }

    public function attempts(): int
    {
        return $this->delivery->attempt + (int) ($this->delivery->message->header(self::ATTEMPTS) ?? 0);
    }

    public function delivery(): Delivery
    {
        return $this->delivery;
    }

    /** A job that may run longer than the lease gets a longer one, of up to a day. */
    public function reserveFor(int $seconds): void
    {
        $timeout = $this->timeout();
        $needed = is_numeric($timeout) ? min(self::LONGEST_SECONDS, (int) $timeout + self::MARGIN_SECONDS) : 0;
        if ($needed > $seconds) {
            $this->delivery->extend($needed);
        }
    }

    /** Why it is about to be released or to fail, for the ledger. */
    public function because(\Throwable $exception): void
    {
        $this->reason = \get_class($exception) . ': ' . $exception->getMessage();
    }

    /**
     * Done.
     *
     * @throws StaleReceiptException
     */
    public function delete(): void
    {
        parent::delete();
        if (!$this->failing) {
            $this->delivery->ack();
        }
    }

    /**
     * To be tried again.
     *
     * @param \DateTimeInterface|\DateInterval|int $delay
     *
     * @throws StaleReceiptException
     */
    public function release($delay = 0): void
    {
        $seconds = max(0, $this->secondsUntil($delay));
        parent::release($seconds);
        if ($this->delivery->attempt < WaybillQueue::MAX_RETRIES) {
            $this->delivery->nack($seconds, $this->reason);

            return;
        }
        // One message is tried 1,001 times at most. A job that is released for ever, as rate-limited ones may be, goes on as another.
        $this->origin->renew($this, $seconds);
        $this->delivery->ack();
    }

    /**
     * Failed for good: first `failed()` and whoever keeps failed jobs are told, then it becomes a dead letter. So a crash between the two
     * can only make it fail twice. While failed jobs cannot be kept it stays reserved, and comes again.
     *
     * @param \Throwable|null $e
     *
     * @throws StaleReceiptException
     */
    public function fail($e = null): void
    {
        $wasDeleted = $this->isDeleted();
        $this->failing = true;
        try {
            // What `failed()` or a batch dispatches goes at once: a worker whose job timed out is killed right after this.
            $this->origin->apart(fn() => parent::fail($e));
        } finally {
            $this->failing = false;
        }
        if (!$wasDeleted) {
            $this->delivery->reject($e === null ? 'failed by the job' : \get_class($e) . ': ' . $e->getMessage());
        }
        if ($this->thrown !== null) {
            throw $this->thrown;
        }
    }

    /**
     * What the job's own `failed()` throws must not keep it out of the dead letters: it is thrown again when it is there.
     *
     * @param \Throwable|null $e
     */
    protected function failed($e): void
    {
        $this->forgetEarlierFailure();
        try {
            parent::failed($e);
        } catch (\Throwable $thrown) {
            $this->thrown = $thrown;
        }
    }

    /**
     * A job may fail under one uuid again: when `waybill:retry` gave it back, or a worker died between its keeping and its end. Laravel's
     * table takes a uuid once, and would refuse it.
     */
    private function forgetEarlierFailure(): void
    {
        $failer = $this->container->bound('queue.failer') ? $this->container->make('queue.failer') : null;
        $uuid = $this->uuid();
        if ($failer instanceof DatabaseUuidFailedJobProvider && $uuid !== null) {
            $failer->forget($uuid);
        }
    }
}
