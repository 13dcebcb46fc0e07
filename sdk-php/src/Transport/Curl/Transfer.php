<?php

declare(strict_types=1);

namespace Waybill\Transport\Curl;

use Waybill\ConnectOptions;
use Waybill\Transport\Call;
use Waybill\Transport\GrpcResponse;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;

/**
 * One call as curl makes it.
 *
 * @internal
 */
final class Transfer
{
    /** What PHP has no name for: curl would have sent the request again, and can't. */
    private const SEND_FAIL_REWIND = 65;

    public readonly \CurlHandle $handle;

    /** The request in its gRPC envelope, and how much of it curl has taken. */
    private readonly string $request;
    private int $sent = 0;

    private string $body = '';

    /** @var array<string, string> */
    private array $headers = [];

    public function __construct(
        private readonly ConnectOptions $options,
        public readonly Call $call,
    ) {
        $this->request = "\0" . pack('N', \strlen($call->request)) . $call->request;
        $this->handle = curl_init();
        curl_setopt_array($this->handle, [
            \CURLOPT_URL => ($options->tls === null ? 'http' : 'https') . "://{$options->address()}{$call->method}",
            \CURLOPT_HTTP_VERSION => $options->tls === null ? \CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : \CURL_HTTP_VERSION_2TLS,
            \CURLOPT_PIPEWAIT => true,
            // Not as POSTFIELDS: when a connection that served before is lost before any answer, curl sends those again by itself, though
            // the gateway may have had them. What it reads piece by piece it can't begin anew: the call fails instead.
            \CURLOPT_UPLOAD => true,
            \CURLOPT_CUSTOMREQUEST => 'POST',
            \CURLOPT_INFILESIZE => \strlen($this->request),
            \CURLOPT_READFUNCTION => $this->read(...),
            \CURLOPT_HTTPHEADER => $this->requestHeaders(),
            \CURLOPT_USERAGENT => 'waybill-php',
            \CURLOPT_CONNECTTIMEOUT_MS => (int) ceil($options->connectTimeout * 1000),
            \CURLOPT_TIMEOUT_MS => $this->millisecondsLeft(),
            \CURLOPT_NOSIGNAL => true,
            \CURLOPT_TCP_NODELAY => true,
            // A connection that was idle for longer may be dead unnoticed.
            \CURLOPT_MAXAGE_CONN => (int) ceil($options->keepalive),
            \CURLOPT_HEADERFUNCTION => $this->receiveHeader(...),
            \CURLOPT_WRITEFUNCTION => function (\CurlHandle $handle, string $bytes): int {
                $this->body .= $bytes;

                return \strlen($bytes);
            },
        ]);
        $this->secure();
    }

    /** How it ended, by curl's own code. */
    public function reply(int $code): Reply
    {
        // An answer that came before the whole request was sent may end with an error of the sending.
        if ($code === \CURLE_OK || isset($this->headers['grpc-status'])) {
            return GrpcResponse::reply($this->headers, $this->body);
        }
        $message = curl_error($this->handle);
        $message = $message === '' ? (string) curl_strerror($code) : $message;
        if ($code === \CURLE_OPERATION_TIMEDOUT && Monotonic::now() >= $this->call->deadline - 0.01) {
            return Reply::deadlineExceeded();
        }

        // No name, no connection, no TLS: the gateway can't have seen the call. One that curl had begun with it may have.
        return $code !== self::SEND_FAIL_REWIND && curl_getinfo($this->handle, \CURLINFO_PRETRANSFER_TIME) === 0.0
            ? Reply::unprocessed("cannot connect to {$this->options->address()}: {$message}")
            : Reply::connectionLost($message);
    }

    /**
     * The next piece of the request; empty at its end.
     *
     * @param resource|null $file
     */
    private function read(\CurlHandle $handle, mixed $file, int $length): string
    {
        $piece = substr($this->request, $this->sent, $length);
        $this->sent += \strlen($piece);

        return $piece;
    }

    private function secure(): void
    {
        $tls = $this->options->tls;
        if ($tls === null) {
            return;
        }
        $files = [
            \CURLOPT_CAINFO => $tls->authorities,
            \CURLOPT_SSLCERT => $tls->certificate,
            \CURLOPT_SSLKEY => $tls->key,
            \CURLOPT_KEYPASSWD => $tls->passphrase,
        ];
        foreach ($files as $option => $value) {
            if ($value !== null && $value !== '') {
                curl_setopt($this->handle, $option, $value);
            }
        }
        if ($tls->serverName !== null) {
            // curl checks the name in the URL alone: the address is given beside it.
            $port = $this->options->port;
            curl_setopt($this->handle, \CURLOPT_URL, "https://{$tls->serverName}:{$port}{$this->call->method}");
            curl_setopt($this->handle, \CURLOPT_CONNECT_TO, ["{$tls->serverName}:{$port}:{$this->options->address()}"]);
        }
    }

    /**
     * @return list<string>
     */
    private function requestHeaders(): array
    {
        // No `Expect: 100-continue`.
        $headers = ['content-type: application/grpc', 'te: trailers', 'expect:', "grpc-timeout: {$this->millisecondsLeft()}m"];
        foreach ($this->call->metadata as $name => $value) {
            $headers[] = "{$name}: {$value}";
        }

        return $headers;
    }

    private function millisecondsLeft(): int
    {
        return max(1, min(99_999_999, (int) (($this->call->deadline - Monotonic::now()) * 1000)));
    }

    /** Headers and trailers, line by line. */
    private function receiveHeader(\CurlHandle $handle, string $line): int
    {
        if (preg_match('~^HTTP/2 (\d{3})~', $line, $match) === 1) {
            $this->headers = [':status' => $match[1]];
        } elseif (str_contains($line, ':')) {
            [$name, $value] = explode(':', $line, 2);
            $this->headers[strtolower($name)] = trim($value);
        }

        return \strlen($line);
    }
}
