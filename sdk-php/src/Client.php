<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Admin\Admin;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Consumer\Consumer;
use Waybill\Consumer\Source;
use Waybill\Consumer\Summary;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\LockHeldException;
use Waybill\Exception\LockLostException;
use Waybill\Exception\PublishManyException;
use Waybill\Exception\ReplyException;
use Waybill\Exception\WaybillException;
use Waybill\Lock\Lock;
use Waybill\Lock\Locks;
use Waybill\Publish\Encoder;
use Waybill\Publish\Publisher;
use Waybill\Request\Requester;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Transport\Transport;
use Waybill\Transport\Transports;

/**
 * A client of the bus. It connects at the first call, heals by itself, and may be kept for the life of a process, also over a fork.
 *
 * Every call throws a WaybillException when it fails; those that implement `Retryable` may succeed later. Calls that are safe to
 * repeat are, until the connection's deadline.
 *
 * Lengths of time are seconds, as a whole number or a fraction, or a DateInterval.
 */
final class Client implements Settling
{
    private readonly Rpc $rpc;
    private readonly Publisher $publisher;
    private readonly Settle $settle;
    private ?Requester $requester = null;

    /** Connects nothing yet: the first call does. */
    public static function connect(string|ConnectOptions $options = new ConnectOptions()): self
    {
        $options = \is_string($options) ? new ConnectOptions($options) : $options;

        return new self($options, Transports::open($options));
    }

    /**
     * Connects to what the environment names: see `ConnectOptions::fromEnv`.
     *
     * @param array<string, string>|null $env default: the process's own
     */
    public static function fromEnv(?array $env = null): self
    {
        return self::connect(ConnectOptions::fromEnv($env));
    }

    public function __construct(
        private readonly ConnectOptions $options,
        private readonly Transport $transport,
    ) {
        $this->rpc = new Rpc($transport, $options);
        $this->publisher = new Publisher($this->rpc, new Encoder($options));
        $this->settle = new Settle($this->rpc);
    }

    /**
     * Publishes a message; it is durable when this returns.
     *
     * @param string $topic 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`
     * @param string $body any bytes, up to the gateway's `MaxMessageBytes` (4 MiB unless set)
     *
     * @throws DeadlineException when the outcome is not known: publish again with the id in its `messageId`
     * @throws WaybillException
     */
    public function publish(string $topic, string $body, PublishOptions $options = new PublishOptions()): Published
    {
        return $this->publisher->publish(new PublishItem($topic, $body, $options));
    }

    /**
     * Publishes many messages in batches, several of which are under way at a time: the fast way for more than a few. The items may
     * come from a generator, and are not all in memory at a time. Those of one topic may be delivered in another order. When nothing was
     * accepted for as long as the connection's deadline, the rest is not tried. `pipeline` does it for who has no list.
     *
     * An item that cannot even be sent, such as one whose key is not UTF-8, has not been accepted, and keeps none of the others back.
     *
     * @param iterable<PublishItem> $items
     *
     * @return list<Published> a result for each, in order
     *
     * @throws PublishManyException when some were not accepted: its `results` tells which
     * @throws WaybillException when there was only one, and it was not accepted
     */
    public function publishMany(iterable $items): array
    {
        $pipeline = new Pipeline($this->publisher->lenient());
        foreach ($items as $item) {
            $pipeline->publish($item->topic, $item->body, $item->options);
        }

        return $pipeline->flush();
    }

    /** Publishes many messages as they come up, without waiting for each. */
    public function pipeline(): Pipeline
    {
        return new Pipeline($this->publisher);
    }

    /**
     * Takes messages of a channel; topic (or pattern, `orders.*`) and channel are created on first use. None when the wait was in vain.
     * Settle them before their lease ends.
     *
     * A call whose answer was lost on the way may have taken messages: they come again when their lease ends.
     *
     * @param (\Closure(): bool)|null $cancelled asked when a signal interrupts the wait: true ends it, with a CancelledException
     *
     * @return list<Delivery>
     *
     * @throws WaybillException
     */
    public function pull(string $topic, string $channel, PullOptions $options = new PullOptions(), ?\Closure $cancelled = null): array
    {
        if ($options->max < 1 || $options->max > 1000) {
            throw InvalidArgumentException::option('max', (string) $options->max, 'a whole number from 1 to 1000');
        }
        $waitMs = Duration::milliseconds($options->wait, 'wait', 0, 3_600_000);
        $request = (new V1\PullRequest())
            ->setTopic($topic)
            ->setChannel($channel)
            ->setMaxMessages($options->max)
            ->setWaitMs($waitMs)
            ->setConsumer($this->options->name);
        if ($options->lease !== null) {
            $request->setLeaseSeconds(Duration::seconds($options->lease, 'lease', 1, 86_400));
        }
        if ($options->retry !== null) {
            $request->setRetry($options->retry->wire);
        }
        $seconds = $waitMs / 1000 + $this->options->deadline;
        $answer = $this->rpc->send('/waybill.v1.Bus/Pull', $request->serializeToString(), Repeat::Unsafe, $seconds, $cancelled);

        return Rpc::decode(fn() => Convert::deliveries($answer, $this));
    }

    /**
     * Hands the messages of a channel to `handler`, one at a time, until a signal or a limit ends it. A handler that returns has done
     * its message; one that throws has not, and the message comes again as the channel's retry policy says.
     *
     * @param callable(Delivery): mixed $handler
     *
     * @throws WaybillException what the gateway refuses for good; while no gateway answers it waits and tries again
     */
    public function consume(string $topic, string $channel, callable $handler, ConsumeOptions $options = new ConsumeOptions()): Summary
    {
        return $this->consumeAll([new Source($topic, $channel, $handler(...))], $options);
    }

    /**
     * The same for several channels, in one process: each is asked in turn for a batch. One process for each channel is faster.
     *
     * @param non-empty-list<Source> $sources
     *
     * @throws WaybillException
     */
    public function consumeAll(array $sources, ConsumeOptions $options = new ConsumeOptions()): Summary
    {
        return (new Consumer($this, $this->options, $options))->run($sources);
    }

    public function ack(array $receipts): array
    {
        return $this->settle->ack($receipts);
    }

    public function nack(array $receipts, int|float|\DateInterval|null $delay = null, string $reason = '', bool $unhandled = false): array
    {
        return $this->settle->nack($receipts, $delay, $reason, $unhandled);
    }

    public function extend(array $receipts, int|float|\DateInterval|null $lease = null): array
    {
        return $this->settle->extend($receipts, $lease);
    }

    public function reject(array $receipts, string $reason = ''): array
    {
        return $this->settle->reject($receipts, $reason);
    }

    /**
     * Publishes a request, and waits for the message that somebody sends with `reply`. The headers `waybill-reply-to` (a topic of this
     * client's own) and `waybill-correlation-id` travel with it.
     *
     * @param int|float|\DateInterval $timeout the longest wait for the reply, up to 1 h; the request itself expires by then
     *
     * @throws DeadlineException when no reply came in time
     * @throws ReplyException when the reply is an error, as those of other languages' SDKs answer where their handler fails
     * @throws WaybillException
     */
    public function request(string $topic, string $body, int|float|\DateInterval $timeout = 10, PublishOptions $options = new PublishOptions()): Message
    {
        $this->requester ??= new Requester($this->rpc, $this->options);

        return $this->requester->request($topic, $body, $timeout, $options);
    }

    /**
     * Answers a request: to the topic in its `waybill-reply-to`, with its `waybill-correlation-id` and trace context.
     *
     * @throws InvalidArgumentException when the message is no request
     * @throws WaybillException
     */
    public function reply(Message $request, string $body, PublishOptions $options = new PublishOptions()): Published
    {
        return $this->publisher->publish(Requester::reply($request, $body, $options));
    }

    /**
     * Withdraws a message that waits for its time, or for a first channel. Exactly one of cancel and delivery wins.
     *
     * @throws Exception\NotFoundException when no such message waits
     * @throws Exception\FailedPreconditionException when its delivery has begun
     * @throws WaybillException
     */
    public function cancel(string $topic, string $id): void
    {
        $request = (new V1\CancelRequest())->setTopic($topic)->setId($id);
        $this->rpc->call('/waybill.v1.Bus/Cancel', $request, new V1\CancelResponse(), Repeat::Unsafe);
    }

    /**
     * Gives a delayed message another time, and answers with it. Throws as `cancel` does.
     *
     * @param int|float|\DateInterval|\DateTimeInterface $when a delay from now, or a moment
     */
    public function reschedule(string $topic, string $id, int|float|\DateInterval|\DateTimeInterface $when): \DateTimeImmutable
    {
        $request = (new V1\RescheduleRequest())->setTopic($topic)->setId($id);
        if ($when instanceof \DateTimeInterface) {
            $request->setDueTimeMs(max(1, Convert::milliseconds($when)));
        } else {
            $request->setDelayMs(Duration::milliseconds($when, 'when'));
        }
        $response = $this->rpc->call('/waybill.v1.Bus/Reschedule', $request, new V1\RescheduleResponse(), Repeat::Safe);

        return Convert::time((int) $response->getDueTimeMs());
    }

    /**
     * Runs `work` while this process alone, of all that ask for `name`, has the lock; returns what `work` returns.
     *
     * @template T
     *
     * @param int|float|\DateInterval $ttl 0.1 s to 24 h. Work that may take longer calls `$lock->renew()` on its way. It is also how long others wait after this process died
     * @param callable(Lock): T $work
     * @param int|float|\DateInterval $wait the longest wait for the lock, up to 1 h
     *
     * @return T
     *
     * @throws LockHeldException when somebody else has it for all of `wait`
     * @throws LockLostException when the lock ran out before `work` returned
     * @throws WaybillException
     * @throws \Throwable what `work` throws
     */
    public function withLock(string $name, int|float|\DateInterval $ttl, callable $work, int|float|\DateInterval $wait = 0): mixed
    {
        $lock = $this->locks()->acquire($name, $ttl, $wait);
        try {
            $result = $work($lock);
        } catch (\Throwable $thrown) {
            self::releaseQuietly($lock);

            throw $thrown;
        }
        if (!$lock->release()) {
            throw LockLostException::of($name);
        }

        return $result;
    }

    public function locks(): Locks
    {
        return new Locks($this->rpc, $this->options);
    }

    /** What operators do: topics, channels, the schedule, dead letters. */
    public function admin(): Admin
    {
        return new Admin($this->rpc);
    }

    /** Disconnects. Safe twice; a later call connects again. */
    public function close(): void
    {
        $this->requester?->end();
        $this->transport->close();
    }

    public function __destruct()
    {
        $this->requester?->end();
    }

    /** What `work` threw says more than that the lock could not be released; the lock runs out by itself. */
    private static function releaseQuietly(Lock $lock): void
    {
        try {
            $lock->release();
        } catch (WaybillException) {
        }
    }
}
