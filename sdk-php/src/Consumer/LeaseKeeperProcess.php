<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Exception\WaybillException;
use Waybill\TlsOptions;
use Waybill\Transport\Kind;
use Waybill\Transport\Monotonic;

/**
 * The other end of LeaseKeeper: extends what it was last told to hold, each third of the lease, until `limit` seconds after that.
 *
 * @internal
 */
final class LeaseKeeperProcess
{
    /** Whoever the worker has forked holds the pipe too: that the worker is gone shows by its process alone then. */
    private const LOOK_UP_SECONDS = 2.0;

    /** ESRCH */
    private const NO_SUCH_PROCESS = 3;

    private readonly int $parent;
    private ?string $token = null;
    private int $lease = 1;

    /** @var list<string> */
    private array $held = [];
    private float $heldSince = 0;

    /** @var array<int, Client> by the lease: a call must end long before that does */
    private array $clients = [];

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
        if ($terms !== null && self::isDetached()) {
            fwrite(\STDOUT, getmypid() . "\n");
            fclose(\STDOUT);
            (new self($terms))->keep($input);
        }
    }

    /** Goes on as nobody's child, where that can be had: false in the process that is left behind. */
    private static function isDetached(): bool
    {
        if (!\function_exists('pcntl_fork') || !\function_exists('posix_setsid')) {
            return true;
        }
        $child = pcntl_fork();
        if ($child === 0) {
            posix_setsid();
        }

        // Without a fork, as at the limit of processes, it is a child and does its work.
        return $child <= 0;
    }

    /**
     * @param array<mixed> $terms
     */
    private function __construct(private readonly array $terms)
    {
        $this->parent = $this->seconds('parent');
    }

    /**
     * @param resource $input
     */
    private function keep($input): void
    {
        $next = \INF;
        while (true) {
            $readable = [$input];
            $none = null;
            $wait = min(self::LOOK_UP_SECONDS, max(0.0, $next - Monotonic::now()));
            $ready = @stream_select($readable, $none, $none, (int) $wait, (int) (fmod($wait, 1) * 1_000_000));
            if ($ready === 1) {
                $told = self::line($input);
                if ($told === null) {
                    return;
                }
                $before = $this->held;
                $this->hear($told);
                if ($this->held !== $before) {
                    $next = $this->held === [] ? \INF : Monotonic::now() + $this->lease / 3;
                }
                if (($told['now'] ?? false) === true) {
                    $next = 0;
                }
            } elseif ($this->isOrphan()) {
                return;
            } elseif (Monotonic::now() >= $next) {
                $next = Monotonic::now() + $this->lease / 3;
                if (Monotonic::now() - $this->heldSince < $this->seconds('limit')) {
                    $this->extend();
                }
            }
        }
    }

    /**
     * @param array<mixed> $told
     */
    private function hear(array $told): void
    {
        $this->token = \is_string($told['token'] ?? null) ? $told['token'] : null;
        $this->lease = \is_int($told['lease'] ?? null) ? max(1, $told['lease']) : 1;
        $this->held = array_values(array_filter(\is_array($told['hold'] ?? null) ? $told['hold'] : [], is_string(...)));
        $this->heldSince = Monotonic::now();
    }

    /** Whether the worker is gone. Signal 0 asks; a worker of another user, which may not be signalled, is there. */
    private function isOrphan(): bool
    {
        return \function_exists('posix_kill') && !posix_kill($this->parent, 0) && posix_get_last_error() === self::NO_SUCH_PROCESS;
    }

    private function extend(): void
    {
        try {
            // What was settled meanwhile is stale, and of no concern.
            $this->client()->extend($this->held, $this->lease);
        } catch (WaybillException $exception) {
            // The next time comes before the lease ends; a token that has expired stays so, and somebody must know.
            fwrite(\STDERR, "waybill: leases were not extended: {$exception->getMessage()}\n");
        }
    }

    private function client(): Client
    {
        return $this->clients[$this->lease] ??= $this->connect();
    }

    private function connect(): Client
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
            deadline: max(1, $this->lease / 4),
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
