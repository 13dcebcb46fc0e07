<?php

declare(strict_types=1);

namespace Waybill\Transport\Curl;

use Waybill\ConnectOptions;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Status;
use Waybill\Transport\Call;
use Waybill\Transport\Inherited;
use Waybill\Transport\Multiplexing;
use Waybill\Transport\Reply;

/**
 * gRPC over ext-curl.
 *
 * A libcurl before 8.14 is refused: 7.88, Debian 12's, fails at every second call over plain HTTP/2 (curl#10634), and makes Node's servers
 * close the connection after a thousand calls. With any libcurl, headers of more than 64 KiB are too long, and a call that a gateway refused
 * because it closes the connection is not told from one whose connection was lost: neither is sent again but where that does no harm.
 */
final class CurlTransport implements Multiplexing
{
    public const OLDEST_SOUND = '8.14.0';

    private const LOOK_UP_SECONDS = 0.5;

    private ?\CurlMultiHandle $multi = null;
    private int $pid = 0;
    private bool $busy = false;

    public function __construct(private readonly ConnectOptions $options)
    {
        $version = \function_exists('curl_version') ? curl_version() : false;
        $refusal = self::refusal($version === false ? [] : $version);
        if ($refusal !== null) {
            throw InvalidArgumentException::option('transport', 'curl', "stream, as {$refusal}");
        }
    }

    /**
     * Why a libcurl is not used, if it is not.
     *
     * @param array<mixed> $version as `curl_version` tells it; empty without ext-curl
     */
    public static function refusal(array $version): ?string
    {
        $number = \is_string($version['version'] ?? null) ? $version['version'] : null;
        $features = \is_int($version['features'] ?? null) ? $version['features'] : 0;

        return match (true) {
            $number === null => 'ext-curl is not loaded',
            version_compare($number, self::OLDEST_SOUND, '<') => \sprintf('this libcurl, %s, breaks HTTP/2; curl needs %s or newer', $number, self::OLDEST_SOUND),
            ($features & \CURL_VERSION_HTTP2) === 0 => 'this libcurl was built without HTTP/2',
            default => null,
        };
    }

    public function unary(Call $call): Reply
    {
        return $this->unaryMany([$call], 1)->current() ?? Reply::cancelled();
    }

    public function unaryMany(iterable $calls, int $inFlight): \Generator
    {
        if ($this->busy) {
            return yield from (new self($this->options))->unaryMany($calls, $inFlight);
        }
        $source = (static fn() => yield from $calls)();
        /** @var array<int, Transfer> $underWay */
        $underWay = [];
        $this->busy = true;
        $multi = $this->multi();
        try {
            while ($source->valid() || $underWay !== []) {
                while (\count($underWay) < $inFlight && ($call = $source->current()) !== null) {
                    $transfer = new Transfer($this->options, $call);
                    curl_multi_add_handle($multi, $transfer->handle);
                    $underWay[$source->key()] = $transfer;
                    $source->next();
                }
                $pausing = $source->valid() && $source->current() === null;
                foreach ($this->advance($multi, $underWay, !$pausing) as $key => $reply) {
                    curl_multi_remove_handle($multi, $underWay[$key]->handle);
                    unset($underWay[$key]);
                    if ($underWay === [] && ($reply->status === Status::DeadlineExceeded || $reply->status === Status::Cancelled)) {
                        // Perhaps the gateway is gone; and 8.14 waits in vain on a plain connection whose only call was taken from it.
                        $this->close();
                        $multi = $this->multi();
                    }
                    yield $key => $reply;
                }
                if ($pausing) {
                    yield null;
                    $source->next();
                }
            }
        } finally {
            foreach ($underWay as $transfer) {
                curl_multi_remove_handle($multi, $transfer->handle);
            }
            $this->busy = false;
        }
    }

    public function close(): void
    {
        $this->multi = null;
    }

    /**
     * Does what can be done now; waits for something to happen when there is nothing.
     *
     * @param array<int, Transfer> $underWay
     *
     * @return array<int, Reply> of what is over
     */
    private function advance(\CurlMultiHandle $multi, array $underWay, bool $wait): array
    {
        curl_multi_exec($multi, $running);
        $over = self::finished($multi, $underWay);
        if ($over !== [] || !$wait) {
            return $over;
        }
        curl_multi_select($multi, self::LOOK_UP_SECONDS);
        if (\function_exists('pcntl_signal_dispatch')) {
            pcntl_signal_dispatch();
        }
        foreach ($underWay as $key => $transfer) {
            $cancelled = $transfer->call->cancelled;
            if ($cancelled !== null && $cancelled()) {
                $over[$key] = Reply::cancelled();
            }
        }

        return $over;
    }

    /**
     * @param array<int, Transfer> $underWay
     *
     * @return array<int, Reply>
     */
    private static function finished(\CurlMultiHandle $multi, array $underWay): array
    {
        $over = [];
        while (($message = curl_multi_info_read($multi)) !== false) {
            foreach ($underWay as $key => $transfer) {
                if ($transfer->handle === $message['handle']) {
                    $over[$key] = $transfer->reply(\is_int($message['result']) ? $message['result'] : -1);
                }
            }
        }

        return $over;
    }

    private function multi(): \CurlMultiHandle
    {
        $pid = (int) getmypid();
        if ($this->multi !== null && $this->pid !== $pid) {
            Inherited::keep($this->multi);
            $this->multi = null;
        }
        if ($this->multi === null) {
            $this->pid = $pid;
            $this->multi = curl_multi_init();
            curl_multi_setopt($this->multi, \CURLMOPT_PIPELINING, \CURLPIPE_MULTIPLEX);
        }

        return $this->multi;
    }
}
