<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

use Waybill\ConnectOptions;
use Waybill\Transport\Call;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Multiplexing;
use Waybill\Transport\Reply;

/** gRPC over PHP's own sockets. */
final class StreamTransport implements Multiplexing
{
    /** A signal that comes right before the wait begins does not interrupt it: who may be cancelled looks up this often. */
    private const LOOK_UP_SECONDS = 0.5;

    private ?Connection $connection = null;

    /** A call is under way: one that a signal handler makes meanwhile must not get between its frames. */
    private bool $busy = false;

    public function __construct(private readonly ConnectOptions $options) {}

    public function unary(Call $call): Reply
    {
        if ($this->busy) {
            return $this->aside()->unary($call);
        }
        $this->busy = true;
        try {
            $connection = $this->connect($call);
            if ($connection instanceof Reply) {
                return $connection;
            }
            $exchange = $connection->begin($call);
            do {
                $this->wait($connection, [$exchange]);
            } while ($exchange->reply === null);

            return $exchange->reply;
        } finally {
            $this->busy = false;
        }
    }

    public function unaryMany(iterable $calls, int $inFlight): \Generator
    {
        if ($this->busy) {
            return yield from $this->aside()->unaryMany($calls, $inFlight);
        }
        $source = (static fn() => yield from $calls)();
        /** @var array<int, Exchange> $underWay */
        $underWay = [];
        $connection = null;
        $this->busy = true;
        try {
            while ($source->valid() || $underWay !== []) {
                while (\count($underWay) < $inFlight && ($call = $source->current()) !== null) {
                    if ($underWay === []) {
                        $connected = $this->connect($call);
                        if ($connected instanceof Reply) {
                            yield $source->key() => $connected;
                            $source->next();
                            continue;
                        }
                        $connection = $connected;
                    } elseif ($connection === null || !$connection->isUsable() || !$connection->hasRoom()) {
                        // What is under way on a connection that is leaving ends before another is made.
                        break;
                    }
                    $underWay[$source->key()] = $connection->begin($call);
                    $source->next();
                }
                $pausing = $source->valid() && $source->current() === null;
                if ($pausing) {
                    $connection?->refresh();
                } elseif ($connection !== null && $underWay !== []) {
                    $this->wait($connection, $underWay);
                }
                foreach ($underWay as $key => $exchange) {
                    if ($exchange->reply !== null) {
                        unset($underWay[$key]);
                        yield $key => $exchange->reply;
                    }
                }
                if ($pausing) {
                    $this->busy = false;
                    yield null;
                    $this->busy = true;
                    $source->next();
                }
            }
        } finally {
            foreach ($underWay as $exchange) {
                $connection?->abandon($exchange, Reply::cancelled());
            }
            $this->busy = false;
        }
    }

    public function close(): void
    {
        $this->connection?->close();
        $this->connection = null;
    }

    /** The connection, made anew when there is none to use; or why there is none. */
    private function connect(Call $call): Connection|Reply
    {
        if ($this->connection !== null) {
            $this->connection->refresh();
            if ($this->connection->isUsable()) {
                return $this->connection;
            }
            $this->close();
        }
        $seconds = $call->deadline - Monotonic::now();
        if ($seconds <= 0) {
            return Reply::tooLate();
        }
        try {
            return $this->connection = Connection::open($this->options, $seconds);
        } catch (ConnectionLost $lost) {
            return Reply::unprocessed($lost->getMessage());
        }
    }

    /**
     * Until something has happened; then whatever is late or cancelled has its reply.
     *
     * @param non-empty-array<int, Exchange> $exchanges
     */
    private function wait(Connection $connection, array $exchanges): void
    {
        $until = \INF;
        foreach ($exchanges as $exchange) {
            $until = min($until, $exchange->call->deadline);
            if ($exchange->call->cancelled !== null) {
                $until = min($until, Monotonic::now() + self::LOOK_UP_SECONDS);
            }
        }
        $connection->advance($until);
        $now = Monotonic::now();
        foreach ($exchanges as $exchange) {
            if ($exchange->reply !== null) {
                continue;
            }
            $call = $exchange->call;
            if ($call->cancelled !== null && ($call->cancelled)()) {
                $connection->abandon($exchange, Reply::cancelled());
            } elseif ($now >= $call->deadline) {
                $connection->abandon($exchange, Reply::deadlineExceeded());
                if ($connection->isSilentSince($exchange->begunAt)) {
                    $connection->close('the gateway gave no sign of life');
                }
            }
        }
    }

    /** Another connection, for a call in the middle of a call. */
    private function aside(): self
    {
        return new self($this->options);
    }
}
