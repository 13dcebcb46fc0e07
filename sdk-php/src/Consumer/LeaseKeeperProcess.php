<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Exception\WaybillException;
use Waybill\TlsOptions;
use Waybill\Transport\Kind;

/**
 * The other end of LeaseKeeper: extends what it was last told to hold, each third of the lease, until `limit` seconds after that.
 *
 * @internal
 */
final class LeaseKeeperProcess
{
    /** Whoever the worker has forked holds the pipe too: that the worker is gone shows by its process alone then. */
    private const LOOK_UP_SECONDS = 2.0;

    private ?string $token = null;

    /** @var list<string> */
    private array $held = [];
    private float $heldSince = 0;

    /**
     * @param resource $input
     */
    public static function run($input): void
    {
        // The terminal's Ctrl-C and a supervisor's SIGTERM go to the worker: while it finishes, its leases are to be held.
        if (\function_exists('pcntl_signal')) {
            foreach ([\SIGINT, \SIGTERM, \SIGQUIT, \SIGHUP] as $signal) {
                pcntl_signal($signal, \SIG_IGN);
            }
        }
        $terms = self::line($input);
        if ($terms !== null) {
            (new self($terms))->keep($input);
        }
    }

    /**
     * @param array<mixed> $terms
     */
    private function __construct(private readonly array $terms) {}

    /**
     * @param resource $input
     */
    private function keep($input): void
    {
        $lease = $this->seconds('lease');
        $client = $this->client();
        $next = \INF;
        while (true) {
            $readable = [$input];
            $none = null;
            $wait = min(self::LOOK_UP_SECONDS, max(0.0, $next - microtime(true)));
            $ready = @stream_select($readable, $none, $none, (int) $wait, (int) (fmod($wait, 1) * 1_000_000));
            if ($ready === 1) {
                $told = self::line($input);
                if ($told === null) {
                    return;
                }
                $this->token = \is_string($told['token'] ?? null) ? $told['token'] : null;
                $before = $this->held;
                $this->held = array_values(array_filter(\is_array($told['hold'] ?? null) ? $told['hold'] : [], is_string(...)));
                $this->heldSince = microtime(true);
                if ($this->held !== $before) {
                    $next = $this->held === [] ? \INF : microtime(true) + $lease / 3;
                }
            } elseif (\function_exists('posix_getppid') && posix_getppid() !== ($this->terms['parent'] ?? null)) {
                return;
            } elseif (microtime(true) >= $next) {
                $next = microtime(true) + $lease / 3;
                if (microtime(true) - $this->heldSince < $this->seconds('limit')) {
                    $this->extend($client, $lease);
                }
            }
        }
    }

    private function extend(Client $client, int $lease): void
    {
        try {
            // What was settled meanwhile is stale, and of no concern.
            $client->extend($this->held, $lease);
        } catch (WaybillException) {
            // The next time comes before the lease ends.
        }
    }

    private function client(): Client
    {
        $tls = $this->terms['tls'] ?? null;
        $text = static fn(mixed $value): ?string => \is_string($value) ? $value : null;

        return Client::connect(new ConnectOptions(
            $text($this->terms['url'] ?? null) ?? 'localhost',
            \is_array($tls) ? new TlsOptions(
                $text($tls['authorities'] ?? null),
                $text($tls['certificate'] ?? null),
                $text($tls['key'] ?? null),
                $text($tls['passphrase'] ?? null),
                $text($tls['serverName'] ?? null),
            ) : null,
            fn() => $this->token,
            deadline: max(1, $this->seconds('lease') / 4),
            name: $text($this->terms['name'] ?? null),
            transport: Kind::named($text($this->terms['transport'] ?? null) ?? 'stream'),
        ));
    }

    private function seconds(string $term): int
    {
        return \is_int($this->terms[$term] ?? null) ? $this->terms[$term] : 1;
    }

    /**
     * @param resource $input
     *
     * @return array<mixed>|null null at the end
     */
    private static function line($input): ?array
    {
        $line = fgets($input);
        $told = $line === false ? null : json_decode($line, true);

        return \is_array($told) ? $told : null;
    }
}
