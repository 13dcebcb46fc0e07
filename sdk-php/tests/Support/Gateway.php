<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

use Waybill\Client;
use Waybill\ConnectOptions;

/**
 * A real gateway with ports and data of its own, gone with the test.
 *
 * It is on the embedded engine, unless `WAYBILL_TEST_SETTINGS` holds config keys as JSON: so the same tests run over the cluster engine.
 */
final class Gateway
{
    private const READY_SECONDS = 60;
    private const STOP_SECONDS = 20;

    public readonly int $port;
    public readonly int $httpPort;
    private ?Helper $helper = null;

    /**
     * @param array<string, string> $settings config keys
     */
    public function __construct(private readonly array $settings = [])
    {
        [$this->port, $this->httpPort] = self::freePorts();
        $this->start();
    }

    public static function engine(): string
    {
        return getenv('WAYBILL_TEST_SETTINGS') === false ? 'embedded' : 'cluster';
    }

    public function url(): string
    {
        return "127.0.0.1:{$this->port}";
    }

    public function client(): Client
    {
        return Client::connect(new ConnectOptions($this->url(), deadline: 20));
    }

    /** Starts it again after `kill`, with the data that it had when `DataFile` names a place that stays. */
    public function start(): void
    {
        $given = getenv('WAYBILL_TEST_SETTINGS');
        $cluster = $given === false ? [] : json_decode($given, true, 8, \JSON_THROW_ON_ERROR);
        $environment = ['PATH' => (string) getenv('PATH'), 'Host' => '127.0.0.1', 'RpcPort' => (string) $this->port, 'HttpPort' => (string) $this->httpPort];
        foreach ([...(\is_array($cluster) ? $cluster : []), ...$this->settings] as $key => $value) {
            $environment[(string) $key] = \is_scalar($value) ? (string) $value : '';
        }
        $program = \dirname(__DIR__, 3) . '/server/bin/waybill.js';
        $this->helper = new Helper('guard.mjs', ['node', $program, 'serve'], $environment);
        $this->awaitReady();
    }

    /** Ends it in order, so that the next gateway of the same engine need not wait until its locks run out. */
    public function stop(): void
    {
        $pid = $this->pid();
        posix_kill($pid, \SIGTERM);
        for ($until = microtime(true) + self::STOP_SECONDS; posix_kill($pid, 0) && microtime(true) < $until;) {
            usleep(20_000);
        }
        $this->kill();
    }

    public function kill(): void
    {
        $this->helper?->end();
        $this->helper = null;
    }

    /** Freezes it: its connections stay open, and nothing answers. */
    public function pause(): void
    {
        posix_kill($this->pid(), \SIGSTOP);
    }

    public function resume(): void
    {
        posix_kill($this->pid(), \SIGCONT);
    }

    private function pid(): int
    {
        return $this->helper?->number('pid') ?? throw new \LogicException('the gateway does not run');
    }

    private function awaitReady(): void
    {
        $until = microtime(true) + self::READY_SECONDS;
        while (microtime(true) < $until) {
            $context = stream_context_create(['http' => ['timeout' => 2, 'ignore_errors' => false]]);
            if (@file_get_contents("http://127.0.0.1:{$this->httpPort}/readyz", false, $context) !== false) {
                return;
            }
            usleep(50_000);
        }
        $log = $this->helper === null ? '' : (string) @file_get_contents($this->helper->text('log'));
        $this->kill();

        throw new \RuntimeException("the gateway did not become ready:\n" . substr($log, -4000));
    }

    /**
     * @return array{int, int}
     */
    private static function freePorts(): array
    {
        $ports = [];
        $servers = [];
        for ($i = 0; $i < 2; ++$i) {
            $server = stream_socket_server('tcp://127.0.0.1:0');
            if ($server === false) {
                throw new \RuntimeException('no free port');
            }
            $servers[] = $server;
            $ports[] = (int) substr((string) strrchr((string) stream_socket_get_name($server, false), ':'), 1);
        }
        array_map(fclose(...), $servers);

        return [$ports[0], $ports[1]];
    }
}
