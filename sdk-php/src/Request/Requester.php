<?php

declare(strict_types=1);

namespace Waybill\Request;

use Waybill\Client;
use Waybill\Duration;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\Details;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\ReplyException;
use Waybill\Exception\WaybillException;
use Waybill\Headers;
use Waybill\Message;
use Waybill\Publish\MessageId;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\PullOptions;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Status;
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
    private const LEASE_SECONDS = 60;
    private const END_SECONDS = 1.0;

    /** A reply that nobody fetches goes by itself. */
    private const REPLY_TTL_SECONDS = 3600;

    private ?string $topic = null;
    private int $pid = 0;

    public function __construct(
        private readonly Client $client,
        private readonly Rpc $rpc,
    ) {}

    public function request(string $topic, string $body, int|float|\DateInterval $timeout, PublishOptions $options): Message
    {
        $timeoutMs = Duration::milliseconds($timeout, 'timeout', 1, 3_600_000);
        $deadline = microtime(true) + $timeoutMs / 1000;
        $correlation = MessageId::make();
        $replyTo = $this->topic();
        $request = $options->withHeader(Headers::REPLY_TO, $replyTo)->withHeader(Headers::CORRELATION_ID, $correlation);
        if ($options->ttl === null && $options->delay === null && $options->due === null) {
            $request = $request->withTtl($timeoutMs / 1000);
        }
        $published = $this->client->publish($topic, $body, $request);
        while (($left = $deadline - microtime(true)) > 0) {
            $pull = new PullOptions(16, self::LEASE_SECONDS, $left);
            $deliveries = $this->client->pull($replyTo, self::CHANNEL, $pull);
            $this->client->ack(array_map(static fn($delivery) => $delivery->receipt, $deliveries));
            foreach ($deliveries as $delivery) {
                if ($delivery->message->header(Headers::CORRELATION_ID) === $correlation) {
                    return self::answer($delivery->message, $published->id);
                }
            }
        }

        throw new DeadlineException(
            "no reply to the request on {$topic} came in time",
            new Details(Status::DeadlineExceeded, 'NO_REPLY', messageId: $published->id),
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
