<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

use Waybill\ConnectOptions;
use Waybill\Transport\Call;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;

/**
 * A blocking HTTP/2 client connection with any number of calls under way.
 *
 *     open ──GOAWAY──▶ leaving: what is under way goes on, no new calls
 *       │                 │
 *       └─── lost, silent, or a protocol error ──▶ closed: every call under way has its reply
 *
 * Nothing happens behind the caller's back: frames are read and written in `advance` and `refresh` alone, so a PING that comes while PHP
 * does something else is answered at the next call.
 *
 * @internal
 */
final class Connection
{
    /** Of one gateway's answers, not acknowledged yet; windows as large as can be, for who asks for much in one call has room for it. */
    private const WINDOW_STEP = 0x40000000;

    /** A block of headers longer than this is an attack. */
    private const HEADER_BYTES = 16_777_216;

    private const FLUSH_BYTES = 16_384;

    private readonly Hpack $hpack;
    private readonly FrameReader $frames;
    private readonly Pulse $pulse;
    private readonly string $target;
    private readonly string $commonHeaders;

    /** @var array<int, Exchange> under way, by stream */
    private array $exchanges = [];

    private string $out;
    private int $queued;
    private int $written = 0;
    private int $nextStream = 1;
    private int $window = Frame::DEFAULT_WINDOW;
    private int $initialWindow = Frame::DEFAULT_WINDOW;
    private int $frameSize = Frame::DEFAULT_SIZE;
    private int $maxStreams = \PHP_INT_MAX;
    private int $unacknowledged = 0;

    /** Why no new call may begin; null while one may. */
    private ?string $leaving = null;

    private bool $closed = false;

    /** @var array{int, string, bool}|null the stream, the block so far, and whether the stream ends with it */
    private ?array $block = null;

    /**
     * @throws ConnectionLost
     */
    public static function open(ConnectOptions $options, float $seconds): self
    {
        return new self($options, Socket::connect($options, min($seconds, $options->connectTimeout)));
    }

    private function __construct(
        private readonly ConnectOptions $options,
        private readonly Socket $socket,
    ) {
        $this->hpack = new Hpack();
        $this->frames = new FrameReader();
        $this->pulse = new Pulse($options->keepalive);
        // :method POST and :scheme are in HPACK's static table.
        $this->target = "\x83" . ($options->tls === null ? "\x86" : "\x87") . Hpack::encode(':authority', $options->address());
        $this->commonHeaders = Hpack::encode('te', 'trailers')
            . Hpack::encode('content-type', 'application/grpc')
            . Hpack::encode('user-agent', 'waybill-php');
        $this->out = Frame::PREFACE
            . Frame::settings([
                Frame::SETTING_HEADER_TABLE_SIZE => 0,
                Frame::SETTING_ENABLE_PUSH => 0,
                Frame::SETTING_INITIAL_WINDOW_SIZE => Frame::LARGEST_WINDOW,
            ])
            . Frame::windowUpdate(Frame::LARGEST_WINDOW - Frame::DEFAULT_WINDOW);
        $this->queued = \strlen($this->out);
    }

    /** Whether a new call may begin. A connection that was silent for long may be dead unnoticed: a new one is quicker made than that is found out. */
    public function isUsable(): bool
    {
        return !$this->closed && $this->leaving === null && $this->socket->isOwn()
            && $this->nextStream < 0x7FFFFFFF
            && ($this->exchanges !== [] || $this->pulse->isFresh());
    }

    /** Whether the gateway takes one more call beside those under way. */
    public function hasRoom(): bool
    {
        return \count($this->exchanges) < $this->maxStreams;
    }

    /** Begins a call. Its `reply` is set in one of the next calls of `advance`. */
    public function begin(Call $call): Exchange
    {
        $id = $this->nextStream;
        $this->nextStream += 2;
        $exchange = new Exchange($id, $call, $this->initialWindow, $this->queued);
        $milliseconds = max(1, (int) (($call->deadline - Monotonic::now()) * 1000));
        $block = $this->target . Hpack::encode(':path', $call->method) . $this->commonHeaders
            . Hpack::encode('grpc-timeout', min($milliseconds, 99_999_999) . 'm');
        foreach ($call->metadata as $name => $value) {
            $block .= Hpack::encode($name, $value);
        }
        $this->queue(Frame::headers($id, $block, $this->frameSize));
        $this->exchanges[$id] = $exchange;
        $this->queueBody($exchange);
        // Small calls that begin together leave together; a large one goes while the next is encoded.
        if (\strlen($this->out) >= self::FLUSH_BYTES) {
            $this->guard($this->flush(...));
        }

        return $exchange;
    }

    /** Takes in what has arrived meanwhile, such as a GOAWAY. */
    public function refresh(): void
    {
        $this->guard(function (): void {
            $this->flush();
            $this->receive();
        });
    }

    /** Waits until something happens: bytes come or go, a signal, or the moment `$until`. */
    public function advance(float $until): void
    {
        $this->guard(function () use ($until): void {
            $this->flush();
            if ($this->socket->wait($this->out !== '', min($until, $this->pulse->next()) - Monotonic::now())) {
                $this->receive();
                $this->keepAlive();
            }
        });
    }

    /** The answer is not wanted any more. */
    public function abandon(Exchange $exchange, Reply $reply): void
    {
        if ($exchange->reply !== null) {
            return;
        }
        $exchange->reply = $reply;
        $this->forget($exchange, Frame::CANCEL);
        $this->guard($this->flush(...));
    }

    /** Whether the gateway has said nothing at all since a moment: it may be gone. */
    public function isSilentSince(float $moment): bool
    {
        return $this->pulse->isSilentSince($moment);
    }

    public function close(string $why = 'the connection was closed'): void
    {
        if ($this->closed) {
            return;
        }
        $this->closed = true;
        foreach ($this->exchanges as $exchange) {
            $exchange->reply ??= $this->written <= $exchange->startsAt ? Reply::unprocessed($why) : Reply::connectionLost($why);
        }
        $this->exchanges = [];
        $this->socket->close();
    }

    /**
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T|null null when the connection broke, and so every call has its reply
     */
    private function guard(\Closure $work): mixed
    {
        if ($this->closed) {
            return null;
        }
        try {
            return $work();
        } catch (ConnectionLost $lost) {
            $this->close($this->leaving ?? $lost->getMessage());
        } catch (ProtocolError $error) {
            $this->close("the gateway broke the rules of HTTP/2: {$error->getMessage()}");
        }

        return null;
    }

    private function queue(string $bytes): void
    {
        $this->out .= $bytes;
        $this->queued += \strlen($bytes);
    }

    /** As much of a request as the gateway has room for. */
    private function queueBody(Exchange $exchange): void
    {
        $length = \strlen($exchange->body);
        while ($exchange->sent < $length) {
            $size = min($length - $exchange->sent, $this->frameSize, $this->window, $exchange->window);
            if ($size <= 0) {
                return;
            }
            $part = $size === $length ? $exchange->body : substr($exchange->body, $exchange->sent, $size);
            $exchange->sent += $size;
            $exchange->window -= $size;
            $this->window -= $size;
            $this->queue(Frame::make(Frame::DATA, $exchange->sent === $length ? Frame::END_STREAM : 0, $exchange->id, $part));
        }
    }

    private function queueBodies(): void
    {
        foreach ($this->exchanges as $exchange) {
            $this->queueBody($exchange);
        }
    }

    private function flush(): void
    {
        while ($this->out !== '') {
            $written = $this->socket->write($this->out);
            if ($written === 0) {
                return;
            }
            $this->written += $written;
            $this->out = substr($this->out, $written);
        }
    }

    private function receive(): void
    {
        while (($bytes = $this->socket->read()) !== '') {
            $this->pulse->beat();
            foreach ($this->frames->read($bytes) as [$type, $flags, $stream, $payload]) {
                $this->handle($type, $flags, $stream, $payload);
            }
        }
        $this->flush();
    }

    private function handle(int $type, int $flags, int $stream, string $payload): void
    {
        if ($this->block !== null && $type !== Frame::CONTINUATION) {
            throw new ProtocolError('headers that are interrupted');
        }
        switch ($type) {
            case Frame::DATA:
                $this->acknowledge(\strlen($payload));
                $exchange = $this->exchanges[$stream] ?? null;
                $exchange?->receive(FrameReader::withoutPadding($payload, $flags));
                $this->endIfLast($exchange, $flags);
                break;
            case Frame::HEADERS:
                $payload = FrameReader::withoutPadding($payload, $flags);
                $this->block = [$stream, ($flags & Frame::PRIORITY) !== 0 ? substr($payload, 5) : $payload, ($flags & Frame::END_STREAM) !== 0];
                $this->endBlock($flags);
                break;
            case Frame::CONTINUATION:
                if ($this->block === null || $this->block[0] !== $stream) {
                    throw new ProtocolError('a continuation of nothing');
                }
                $this->block[1] .= $payload;
                $this->endBlock($flags);
                break;
            case Frame::RST_STREAM:
                $exchange = $this->exchanges[$stream] ?? null;
                $exchange?->reset(FrameReader::uint32($payload));
                unset($this->exchanges[$stream]);
                break;
            case Frame::SETTINGS:
                if (($flags & Frame::ACK) === 0) {
                    $this->applySettings($payload);
                }
                break;
            case Frame::PING:
                if (($flags & Frame::ACK) === 0) {
                    $this->queue(Frame::make(Frame::PING, Frame::ACK, 0, $payload));
                }
                break;
            case Frame::GOAWAY:
                $this->goAway($payload);
                break;
            case Frame::WINDOW_UPDATE:
                $this->widen($stream, FrameReader::uint32($payload) & Frame::LARGEST_WINDOW);
                break;
            case Frame::PUSH_PROMISE:
                throw new ProtocolError('a push, which was not allowed');
        }
    }

    private function endBlock(int $flags): void
    {
        if ($this->block === null || \strlen($this->block[1]) > self::HEADER_BYTES) {
            throw new ProtocolError('headers without an end');
        }
        if (($flags & Frame::END_HEADERS) === 0) {
            return;
        }
        [$stream, $block, $last] = $this->block;
        $this->block = null;
        $headers = $this->hpack->decode($block);
        $exchange = $this->exchanges[$stream] ?? null;
        $exchange?->receiveHeaders($headers);
        $this->endIfLast($exchange, $last ? Frame::END_STREAM : 0);
    }

    private function endIfLast(?Exchange $exchange, int $flags): void
    {
        if ($exchange === null || ($flags & Frame::END_STREAM) === 0) {
            return;
        }
        $exchange->end();
        // An answer that came before the whole request was sent: the rest stays here.
        $this->forget($exchange, Frame::NO_ERROR);
    }

    private function forget(Exchange $exchange, int $error): void
    {
        unset($this->exchanges[$exchange->id]);
        if ($error !== Frame::NO_ERROR || $exchange->sent < \strlen($exchange->body)) {
            $this->queue(Frame::reset($exchange->id, $error));
        }
    }

    private function applySettings(string $payload): void
    {
        foreach (str_split($payload, 6) as $setting) {
            if (\strlen($setting) < 6) {
                break;
            }
            $name = \ord($setting[0]) << 8 | \ord($setting[1]);
            $value = FrameReader::uint32(substr($setting, 2));
            if ($name === Frame::SETTING_INITIAL_WINDOW_SIZE) {
                foreach ($this->exchanges as $exchange) {
                    $exchange->window += $value - $this->initialWindow;
                }
                $this->initialWindow = $value;
            } elseif ($name === Frame::SETTING_MAX_FRAME_SIZE) {
                $this->frameSize = max(Frame::DEFAULT_SIZE, $value);
            } elseif ($name === Frame::SETTING_MAX_CONCURRENT_STREAMS) {
                $this->maxStreams = $value;
            }
        }
        $this->queue(Frame::make(Frame::SETTINGS, Frame::ACK, 0, ''));
        $this->queueBodies();
    }

    private function widen(int $stream, int $bytes): void
    {
        if ($stream === 0) {
            $this->window += $bytes;
            $this->queueBodies();

            return;
        }
        $exchange = $this->exchanges[$stream] ?? null;
        if ($exchange !== null) {
            $exchange->window += $bytes;
            $this->queueBody($exchange);
        }
    }

    private function goAway(string $payload): void
    {
        $last = FrameReader::uint32($payload) & Frame::LARGEST_WINDOW;
        $error = FrameReader::uint32(substr($payload, 4));
        $this->leaving = $error === Frame::NO_ERROR ? 'the gateway is closing the connection' : "the gateway closed the connection with HTTP/2 error {$error}";
        foreach ($this->exchanges as $id => $exchange) {
            if ($id > $last) {
                $exchange->reply = Reply::unprocessed($this->leaving);
                unset($this->exchanges[$id]);
            }
        }
    }

    /** Streams have a window that no answer fills; the connection's is kept open here. */
    private function acknowledge(int $bytes): void
    {
        $this->unacknowledged += $bytes;
        if ($this->unacknowledged >= self::WINDOW_STEP) {
            $this->queue(Frame::windowUpdate($this->unacknowledged));
            $this->unacknowledged = 0;
        }
    }

    private function keepAlive(): void
    {
        if ($this->exchanges !== [] && $this->pulse->isToBeAsked()) {
            $this->queue(Frame::make(Frame::PING, 0, 0, 'waybill!'));
            $this->flush();
        }
    }
}
