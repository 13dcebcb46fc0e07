<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\InvalidArgumentException;
use Waybill\Transport\Kind;

/** How to reach a gateway. Lengths of time are seconds. */
final readonly class ConnectOptions
{
    public const DEFAULT_PORT = 9091;

    public string $host;

    public int $port;

    /** Null: a plain connection. */
    public ?TlsOptions $tls;

    /** Who consumes, for the ledger: up to 64 characters. */
    public string $name;

    /**
     * @param string $url `host:port`, or with a scheme: `http://` or `grpc://` (plain), `https://` or `grpcs://` (TLS). Without a port: 9091
     * @param TlsOptions|null $tls default: by the scheme of `url`, with the system's authorities
     * @param string|(\Closure(): ?string)|null $token sent as `authorization: Bearer …`. A closure is asked anew for every call
     * @param float $deadline how long a publish or another call may take, with all tries. A web request may want less than the default
     * @param float $connectTimeout how long one attempt to connect may take
     * @param float $keepalive on a call that waits, a silent gateway is asked for a sign of life this often, and given up when it gives none for half as long
     * @param string|null $name default: host name and process id
     * @param Kind $transport which HTTP/2 client is used
     * @param (\Closure(): ?string)|null $traceparent asked at every publish for the W3C trace context to send along, unless the message has its own
     */
    public function __construct(
        public string $url = 'localhost',
        ?TlsOptions $tls = null,
        #[\SensitiveParameter]
        public string|\Closure|null $token = null,
        public float $deadline = 10,
        public float $connectTimeout = 5,
        public float $keepalive = 20,
        ?string $name = null,
        public Kind $transport = Kind::Stream,
        public ?\Closure $traceparent = null,
    ) {
        if (preg_match('~^(?:(https?|grpcs?)://)?(\[[0-9a-fA-F:.]+\]|[^\s/:]+)(?::(\d{1,5}))?/?$~', trim($url), $match, \PREG_UNMATCHED_AS_NULL) !== 1) {
            throw InvalidArgumentException::option('url', "\"{$url}\"", 'host:port, with http://, https://, grpc:// or grpcs:// before it or not');
        }
        $this->host = $match[2];
        $this->port = (int) ($match[3] ?? self::DEFAULT_PORT);
        $this->tls = $tls ?? (str_ends_with($match[1] ?? '', 's') ? new TlsOptions() : null);
        $this->name = substr($name ?? gethostname() . ':' . getmypid(), 0, 64);
        foreach (['deadline' => $deadline, 'connectTimeout' => $connectTimeout, 'keepalive' => $keepalive] as $field => $seconds) {
            if (!is_finite($seconds) || $seconds < 0.001 || $seconds > 86_400) {
                throw InvalidArgumentException::option($field, "{$seconds} s", '0.001 to 86400 seconds');
            }
        }
    }

    /**
     * From the environment: `WAYBILL_URL`, else the original's `MQ_HOST`, else `localhost:9091`; `WAYBILL_TOKEN`;
     * `WAYBILL_CA`, `WAYBILL_CERT` and `WAYBILL_KEY` (PEM files) for TLS; `WAYBILL_TRANSPORT` (`stream`, `curl` or `grpc`).
     *
     * @param array<string, string>|null $env default: the process's own
     */
    public static function fromEnv(?array $env = null): self
    {
        $env ??= getenv();
        $get = static fn(string $name): ?string => ($env[$name] ?? '') === '' ? null : $env[$name];
        $tls = $get('WAYBILL_CA') !== null || $get('WAYBILL_CERT') !== null
            ? new TlsOptions($get('WAYBILL_CA'), $get('WAYBILL_CERT'), $get('WAYBILL_KEY'))
            : null;

        return new self(
            $get('WAYBILL_URL') ?? $get('MQ_HOST') ?? 'localhost',
            $tls,
            $get('WAYBILL_TOKEN'),
            transport: Kind::named($get('WAYBILL_TRANSPORT') ?? 'stream'),
        );
    }

    /** `host:port`; an IPv6 address is in brackets. */
    public function address(): string
    {
        return "{$this->host}:{$this->port}";
    }

    public function token(): ?string
    {
        return $this->token instanceof \Closure ? ($this->token)() : $this->token;
    }

    public function withDeadline(float $deadline): self
    {
        return $this->with(['deadline' => $deadline]);
    }

    public function withTransport(Kind $transport): self
    {
        return $this->with(['transport' => $transport]);
    }

    /**
     * @param array{deadline?: float, transport?: Kind} $changed
     */
    private function with(array $changed): self
    {
        return new self(
            $this->url,
            $this->tls,
            $this->token,
            $changed['deadline'] ?? $this->deadline,
            $this->connectTimeout,
            $this->keepalive,
            $this->name,
            $changed['transport'] ?? $this->transport,
            $this->traceparent,
        );
    }
}
