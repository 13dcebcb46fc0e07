<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

/** A plain gRPC server, see `fixtures/echo-server.mjs`. */
final class EchoServer
{
    public readonly int $port;
    public readonly int $pid;
    private readonly Helper $helper;

    /**
     * @param array{host?: string, port?: int, maxMessageBytes?: int, maxAgeMs?: int, keepaliveMs?: int, gated?: bool, tls?: array<string, string|bool>} $options
     */
    public function __construct(array $options = [])
    {
        $this->helper = new Helper('echo-server.mjs', [json_encode($options, \JSON_THROW_ON_ERROR | \JSON_FORCE_OBJECT)]);
        $this->port = $this->helper->number('port');
        $this->pid = $this->helper->number('pid');
    }

    public function url(): string
    {
        return "127.0.0.1:{$this->port}";
    }

    public function pause(): void
    {
        posix_kill($this->pid, \SIGSTOP);
    }

    public function resume(): void
    {
        posix_kill($this->pid, \SIGCONT);
    }

    public function end(): void
    {
        $this->helper->end();
    }
}
