<?php

declare(strict_types=1);

namespace Waybill\Rpc;

use Google\Protobuf\Internal\Message;
use Waybill\ConnectOptions;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\Details;
use Waybill\Exception\InternalException;
use Waybill\Exception\WaybillException;
use Waybill\Status;
use Waybill\Transport\Call;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Multiplexing;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;

/**
 * Calls with typed messages and exceptions, sent again until the deadline where that is safe.
 *
 * @internal
 */
final class Rpc
{
    /**
     * @param float $until when every call is over, if not before, as `Monotonic::now` tells it
     */
    public function __construct(
        private readonly Transport $transport,
        private readonly ConnectOptions $options,
        private readonly float $until = \INF,
    ) {}

    /** For calls that together have so much time: none goes on beyond `$moment`, as `Monotonic::now` tells it. */
    public function until(float $moment): self
    {
        return new self($this->transport, $this->options, min($moment, $this->until));
    }

    /**
     * @template T of Message
     *
     * @param string $method `/waybill.v1.Bus/Publish`
     * @param T $response what the answer is read into, and returned
     * @param float|null $seconds with all tries. Default: the connection's `deadline`
     * @param (\Closure(): bool)|null $cancelled ends the call when a signal has made it true
     * @param bool $known set to false when a try before the one that was answered may have been done, too
     *
     * @param-out bool $known
     *
     * @return T
     *
     * @throws WaybillException
     */
    public function call(
        string $method,
        Message $request,
        Message $response,
        Repeat $repeat,
        ?float $seconds = null,
        ?\Closure $cancelled = null,
        bool &$known = true,
    ): Message {
        $call = $this->prepare($method, $request->serializeToString(), $seconds, $cancelled);

        return self::read($this->finish($call, $this->transport->unary($call), $repeat, $known), $response);
    }

    /**
     * As `call`, with the bytes of both messages.
     *
     * @param (\Closure(): bool)|null $cancelled
     *
     * @throws WaybillException
     */
    public function send(string $method, string $request, Repeat $repeat, ?float $seconds = null, ?\Closure $cancelled = null): string
    {
        $call = $this->prepare($method, $request, $seconds, $cancelled);

        return $this->finish($call, $this->transport->unary($call), $repeat);
    }

    /**
     * The same call many times, several under way at a time. One that fails is sent again, as `send` does, before the next answer is
     * looked at; when nothing has succeeded for as long as the connection's deadline, the rest is not tried any more.
     *
     * @param iterable<int, string|null> $requests a null says that there is none for now: see Multiplexing
     *
     * @return \Generator<int, string|WaybillException|null> the answers, under the keys of the requests, in any order
     */
    public function sendMany(string $method, iterable $requests, Repeat $repeat, int $inFlight): \Generator
    {
        $failingSince = null;
        /** @var array<int, Call> $underWay */
        $underWay = [];
        $calls = (function () use ($requests, $method, &$underWay, &$failingSince): \Generator {
            foreach ($requests as $key => $request) {
                yield $key => $request === null ? null : $underWay[$key] = $this->prepare($method, $request, since: $failingSince);
            }
        })();
        foreach ($this->replies($calls, $inFlight) as $key => $reply) {
            if ($reply === null) {
                yield null;
                continue;
            }
            $call = $underWay[$key];
            unset($underWay[$key]);
            if ($reply->status !== Status::Ok) {
                $failingSince ??= Monotonic::now();
            }
            $answer = $this->answer($call, $reply, $repeat);
            if (\is_string($answer)) {
                $failingSince = null;
            }
            yield $key => $answer;
        }
    }

    /**
     * The message of an answer.
     *
     * @template T of Message
     *
     * @param T $response
     *
     * @return T
     *
     * @throws InternalException
     */
    public static function read(string $body, Message $response): Message
    {
        self::decode(static fn() => $response->mergeFromString($body));

        return $response;
    }

    /**
     * What `read` makes of an answer's bytes.
     *
     * @template T
     *
     * @param \Closure(): T $read
     *
     * @return T
     *
     * @throws InternalException
     */
    public static function decode(\Closure $read): mixed
    {
        try {
            return $read();
        } catch (\Throwable $thrown) {
            throw new InternalException('the gateway answered with what is no message', new Details(Status::Internal), $thrown);
        }
    }

    /**
     * @param \Generator<int, Call|null> $calls
     *
     * @return \Generator<int, Reply|null>
     */
    private function replies(\Generator $calls, int $inFlight): \Generator
    {
        if ($this->transport instanceof Multiplexing) {
            return yield from $this->transport->unaryMany($calls, $inFlight);
        }
        foreach ($calls as $key => $call) {
            yield $key => $call === null ? null : $this->transport->unary($call);
        }
    }

    /**
     * @param (\Closure(): bool)|null $cancelled
     * @param float|null $since the moment from which the deadline counts. Default: now
     */
    private function prepare(
        string $method,
        string $request,
        ?float $seconds = null,
        ?\Closure $cancelled = null,
        ?float $since = null,
    ): Call {
        $token = $this->options->token();
        $metadata = $token === null ? [] : ['authorization' => "Bearer {$token}"];
        $deadline = min($this->until, ($since ?? Monotonic::now()) + ($seconds ?? $this->options->deadline));

        return new Call($method, $request, $deadline, $metadata, $cancelled);
    }

    private function answer(Call $call, Reply $reply, Repeat $repeat): string|WaybillException
    {
        try {
            return $this->finish($call, $reply, $repeat);
        } catch (WaybillException $exception) {
            return $exception;
        }
    }

    /**
     * The body of the answer, after as many more tries as are safe, useful and in time.
     *
     * @param bool $known set: as `call` does
     *
     * @param-out bool $known
     */
    private function finish(Call $call, Reply $reply, Repeat $repeat, bool &$known = true): string
    {
        $backoff = new Backoff();
        $known = true;
        $last = null;
        while ($reply->status !== Status::Ok) {
            $failure = Replies::exception($reply);
            $known = $known && ($reply->unprocessed || self::refused($reply));
            if ($reply->status === Status::DeadlineExceeded && $last !== null) {
                // What failed before says more than that time is up now.
                throw $known ? $last : self::late($failure->getMessage(), $last);
            }
            if (!self::worthwhile($reply, $repeat)) {
                throw $failure;
            }
            $last = $failure;
            $pause = $backoff->next();
            if (Monotonic::now() + $pause > $call->deadline) {
                throw $known ? $failure : self::late('the deadline passed, and the outcome is not known', $failure);
            }
            usleep((int) ($pause * 1_000_000));
            if ($call->cancelled !== null && ($call->cancelled)()) {
                $reply = Reply::cancelled();
                continue;
            }
            $reply = $this->transport->unary($call);
        }

        return $reply->body;
    }

    private static function worthwhile(Reply $reply, Repeat $repeat): bool
    {
        return $reply->unprocessed
            || self::refused($reply)
            || ($reply->status === Status::Unavailable && $repeat === Repeat::Safe);
    }

    /** OVERLOADED or RATE_LIMITED: the gateway has said no, for now. */
    private static function refused(Reply $reply): bool
    {
        return $reply->status === Status::ResourceExhausted && \in_array(Replies::details($reply)->reason, ['OVERLOADED', 'RATE_LIMITED'], true);
    }

    private static function late(string $message, WaybillException $last): DeadlineException
    {
        return new DeadlineException($message, new Details(Status::DeadlineExceeded), $last);
    }
}
