<?php

declare(strict_types=1);

namespace Waybill\Request;

use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Duration;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\Details;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\ReplyException;
use Waybill\Exception\WaybillException;
use Waybill\Headers;
use Waybill\Message;
use Waybill\Publish\Encoder;
use Waybill\Publish\MessageId;
use Waybill\Publish\Publisher;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\Rpc\Backoff;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Settle;
use Waybill\Status;
use Waybill\Transport\Monotonic;
use Waybill\V1;

/**
 * Request and reply over two topics: the request's, and one for the replies to this client.
 *
 * A client has one topic of replies for its life, and deletes it in the end; a reply that comes too late for its own request is dropped by
 * the next.
 *
 * @internal
 */
final class Requester
{
    private const CHANNEL = 'replies';
    private const PULL_MESSAGES = 16;

    /** A reply is acked as soon as it is there; one that was lost on its way comes again after so long. */
    private const LEASE_SECONDS = 2;

    /** Beyond the timeout, for the gateway to say that nothing came: the connection is kept then. */
    private const GRACE_SECONDS = 0.1;

    /** What is done for good order alone takes no longer. */
    private const END_SECONDS = 1.0;

    /** A reply that nobody fetches goes by itself. */
    private const REPLY_TTL_SECONDS = 3600;

    private ?string $topic = null;
    private int $pid = 0;

    public function __construct(
        private readonly Rpc $rpc,
        private readonly ConnectOptions $options,
    ) {}

    public function request(string $topic, string $body, int|float|\DateInterval $timeout, PublishOptions $options): Message
    {
        $timeoutMs = Duration::milliseconds($timeout, 'timeout', 1, 3_600_000);
        $deadline = Monotonic::now() + $timeoutMs / 1000;
        $rpc = $this->rpc->until($deadline + self::GRACE_SECONDS);
        $correlation = MessageId::make();
        $replyTo = $this->topic();
        $request = $options->withHeader(Headers::REPLY_TO, $replyTo)->withHeader(Headers::CORRELATION_ID, $correlation);
        if ($options->ttl === null && $options->delay === null && $options->due === null) {
            $request = $request->withTtl($timeoutMs / 1000);
        }
        $published = (new Publisher($rpc, new Encoder($this->options)))->publish(new PublishItem($topic, $body, $request));
        $backoff = new Backoff();
        $failure = null;
        while (($left = $deadline - Monotonic::now()) > 0) {
            try {
                $deliveries = $this->pull($rpc, $replyTo, $left);
            } catch (WaybillException $exception) {
                $failure = $exception->isRetryable() ? $exception : throw $exception;
                $deliveries = [];
            }
            if ($deliveries === []) {
                // A gateway that is about to stop says so at once, too.
                usleep((int) (max(0.0, min($deadline - Monotonic::now(), $backoff->next())) * 1_000_000));
                continue;
            }
            $reply = self::find($deliveries, $correlation);
            $this->ack($rpc, $deliveries);
            if ($reply !== null) {
                return self::answer($reply, $published->id);
            }
        }

        throw new DeadlineException(
            "no reply to the request on {$topic} came in time",
            new Details(Status::DeadlineExceeded, 'NO_REPLY', messageId: $published->id),
            $failure,
        );
    }

    /** Deletes the topic of the replies. What is not allowed to, or finds no gateway, leaves it behind. */
    public function end(): void
    {
        if ($this->topic === null || $this->pid !== getmypid()) {
            return;
        }
        $request = (new V1\DeleteTopicRequest())->setTopic($this->topic)->setPurge(true);
        $this->topic = null;
        try {
            $this->rpc->call('/waybill.v1.Admin/DeleteTopic', $request, new V1\DeleteTopicResponse(), Repeat::Safe, self::END_SECONDS);
        } catch (WaybillException) {
        }
    }

    /** The reply to a request, to be published. */
    public static function reply(Message $request, string $body, PublishOptions $options): PublishItem
    {
        $replyTo = $request->header(Headers::REPLY_TO);
        $correlation = $request->header(Headers::CORRELATION_ID);
        if ($replyTo === null || $correlation === null) {
            throw InvalidArgumentException::option('request', 'without ' . Headers::REPLY_TO, 'a message that was sent as a request');
        }
        $options = $options->withHeader(Headers::CORRELATION_ID, $correlation);
        $trace = $request->traceparent();
        if ($trace !== null && !isset($options->headers[Headers::TRACEPARENT])) {
            $options = $options->withTraceparent($trace);
        }

        return new PublishItem($replyTo, $body, $options->ttl === null ? $options->withTtl(self::REPLY_TTL_SECONDS) : $options);
    }

    /**
     * Nobody else takes from this topic, so that a pull that failed may be made again: what it took comes again, too.
     *
     * @return list<Delivery>
     */
    private function pull(Rpc $rpc, string $topic, float $seconds): array
    {
        $request = (new V1\PullRequest())
            ->setTopic($topic)
            ->setChannel(self::CHANNEL)
            ->setMaxMessages(self::PULL_MESSAGES)
            ->setLeaseSeconds(self::LEASE_SECONDS)
            ->setWaitMs((int) ceil($seconds * 1000))
            ->setConsumer($this->options->name);
        // Made again by `request`, which knows how long there is to wait by then.
        $answer = $rpc->send('/waybill.v1.Bus/Pull', $request->serializeToString(), Repeat::Unsafe, $seconds + self::GRACE_SECONDS);

        return Rpc::decode(static fn() => Convert::deliveries($answer, new Settle($rpc)));
    }

    /**
     * @param list<Delivery> $deliveries
     */
    private static function find(array $deliveries, string $correlation): ?Message
    {
        foreach ($deliveries as $delivery) {
            if ($delivery->message->header(Headers::CORRELATION_ID) === $correlation) {
                return $delivery->message;
            }
        }

        return null;
    }

    /**
     * What is not acked comes again, and is dropped by the next request: no reason to lose the reply that is here.
     *
     * @param list<Delivery> $deliveries
     */
    private function ack(Rpc $rpc, array $deliveries): void
    {
        try {
            $settle = new Settle($rpc->until(Monotonic::now() + self::END_SECONDS));
            $settle->ack(array_map(static fn($delivery) => $delivery->receipt, $deliveries));
        } catch (WaybillException) {
        }
    }

    private static function answer(Message $reply, string $requestId): Message
    {
        return $reply->header(Headers::ERROR) === null ? $reply : throw ReplyException::of($reply, $requestId);
    }

    /** A forked child asks on a topic of its own: it must not take its parent's replies. */
    private function topic(): string
    {
        if ($this->topic === null || $this->pid !== getmypid()) {
            $this->pid = (int) getmypid();
            $this->topic = 'waybill.replies.' . MessageId::make();
        }

        return $this->topic;
    }
}
