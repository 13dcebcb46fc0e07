<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\TlsOptions;
use Waybill\Transport\Kind;

/**
 * The clients of one process, by gateway and purpose. They hold nothing of a request, so a long-lived server keeps them over all its
 * requests; a forked worker dials anew by itself.
 */
final class Clients
{
    /** @var array<string, Client> */
    private array $clients = [];

    /**
     * @param \Closure(): mixed $config reads `config('waybill')` when a client is first needed
     */
    public function __construct(private readonly \Closure $config) {}

    /** For publishing, and for everything an application asks for by itself. */
    public function client(?string $url = null): Client
    {
        return $this->clients[__FUNCTION__ . $url] ??= Client::connect($this->options($url));
    }

    /**
     * For taking and settling jobs: a connection of its own, so that a timeout's signal handler can settle the job while the job itself
     * is in the middle of a publish.
     */
    public function worker(?string $url = null): Client
    {
        return $this->clients[__FUNCTION__ . $url] ??= Client::connect($this->options($url));
    }

    /** A client whose calls are given up early: for a relay, and for questions that somebody waits for. */
    public function withDeadline(float $seconds): Client
    {
        return Client::connect($this->options()->withDeadline($seconds));
    }

    public function options(?string $url = null): ConnectOptions
    {
        $settings = Settings::of('waybill', ($this->config)());
        $tls = $settings->part('tls');

        return new ConnectOptions(
            $url ?? $settings->string('url', 'localhost'),
            $tls->has('ca') || $tls->has('cert') ? new TlsOptions($tls->optional('ca'), $tls->optional('cert'), $tls->optional('key')) : null,
            $settings->optional('token'),
            $settings->float('deadline', 10),
            transport: Kind::named($settings->string('transport', 'stream')),
        );
    }

    /** Disconnects; the next call connects again. */
    public function close(): void
    {
        foreach ($this->clients as $client) {
            $client->close();
        }
    }
}
