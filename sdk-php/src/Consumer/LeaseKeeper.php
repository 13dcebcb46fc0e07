<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Composer\Autoload\ClassLoader;
use Waybill\ConnectOptions;
use Waybill\Duration;

/**
 * Holds the leases of what is being handled, from a process of its own.
 *
 * A PHP handler blocks everything: a timer's signal is not heard in a slow query, and cuts a `sleep` short. So another process extends, and is
 * told through a pipe what to hold. It ends with the pipe: when this process dies, its leases run out.
 *
 * @internal
 */
final class LeaseKeeper
{
    /** Short handlers are not worth a line each. */
    private const TELL_SECONDS = 1.0;

    /** @var resource|null */
    private $process;

    /** @var resource|null */
    private $pipe;

    private readonly int $pid;

    /** @var list<string> */
    private array $held = [];
    private float $toldAt = 0;

    public static function start(ConnectOptions $connect, int $leaseSeconds, ConsumeOptions $options): self
    {
        $limit = Duration::seconds($options->handlerLimit, 'handlerLimit', 1, 86_400 * 365);

        return new self($connect, ['lease' => $leaseSeconds, 'limit' => $limit]);
    }

    /**
     * @param array{lease: int, limit: int} $terms
     */
    private function __construct(
        private readonly ConnectOptions $connect,
        private readonly array $terms,
    ) {
        $this->pid = (int) getmypid();
        $this->launch();
    }

    /**
     * Holds these from now on, and nothing else.
     *
     * @param list<string> $receipts
     */
    public function hold(array $receipts): void
    {
        if ($this->pid !== getmypid()) {
            return;
        }
        $this->held = $receipts;
        $this->toldAt = microtime(true);
        if (!$this->tell(['hold' => $receipts, 'token' => $this->connect->token()]) && $receipts !== []) {
            // Somebody has killed it.
            $this->end();
            $this->launch();
            $this->tell(['hold' => $receipts, 'token' => $this->connect->token()]);
        }
    }

    /** Says that the work on what is held goes on with another message: the limit of a handler's time counts from here. */
    public function goOn(): void
    {
        if (microtime(true) - $this->toldAt > self::TELL_SECONDS) {
            $this->hold($this->held);
        }
    }

    /** Safe twice. */
    public function end(): void
    {
        if ($this->pid !== getmypid()) {
            return;
        }
        if ($this->pipe !== null) {
            fclose($this->pipe);
            $this->pipe = null;
        }
        if ($this->process !== null) {
            // It has nothing to finish, and may be in a call that waits.
            proc_terminate($this->process, 9);
            proc_close($this->process);
            $this->process = null;
        }
    }

    public function __destruct()
    {
        $this->end();
    }

    private function launch(): void
    {
        $vendor = (string) array_key_first(ClassLoader::getRegisteredLoaders());
        $program = [\PHP_BINARY, \dirname(__DIR__, 2) . '/bin/waybill-lease-keeper', "{$vendor}/autoload.php"];
        $process = proc_open($program, [['pipe', 'r'], ['file', '/dev/null', 'w'], \STDERR], $pipes);
        if ($process === false) {
            throw new \RuntimeException('cannot start the process that extends leases; `extend: false` does without');
        }
        $this->process = $process;
        $this->pipe = $pipes[0];
        $tls = $this->connect->tls;
        $this->tell([
            'url' => $this->connect->url,
            'name' => $this->connect->name,
            'transport' => $this->connect->transport->value,
            'parent' => $this->pid,
            'tls' => $tls === null ? null : get_object_vars($tls),
            ...$this->terms,
        ]);
    }

    /**
     * @param array<string, mixed> $message
     */
    private function tell(array $message): bool
    {
        return $this->pipe !== null && @fwrite($this->pipe, json_encode($message, \JSON_THROW_ON_ERROR) . "\n") !== false;
    }
}
