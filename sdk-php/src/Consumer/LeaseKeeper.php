<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Composer\Autoload\ClassLoader;
use Waybill\ConnectOptions;
use Waybill\Duration;
use Waybill\Transport\Monotonic;

/**
 * Holds the leases of what is being handled, from a process of its own.
 *
 * A PHP handler blocks everything: a timer's signal is not heard in a slow query, and cuts a `sleep` short. So another process extends, and is
 * told through a pipe what to hold. It ends with the pipe: when this process dies, its leases run out. It is no child of this process, so
 * that a handler may wait for all of its own.
 *
 * @internal
 */
final class LeaseKeeper
{
    /** Short handlers are not worth a line each. */
    private const TELL_SECONDS = 1.0;

    /** @var resource|null what starts the keeper, and ends then; without pcntl it is the keeper */
    private $starter;

    /** @var resource|null */
    private $pipe;

    /** @var resource|null on which the keeper tells its pid */
    private $told;

    private readonly int $pid;

    private ?int $keeper = null;

    /** @var list<string> */
    private array $held = [];
    private int $lease = 0;
    private float $toldAt = 0;

    public static function start(ConnectOptions $connect, ConsumeOptions $options): self
    {
        return new self($connect, Duration::seconds($options->handlerLimit, 'handlerLimit', 1, 86_400 * 365));
    }

    private function __construct(
        private readonly ConnectOptions $connect,
        private readonly int $limit,
    ) {
        $this->pid = (int) getmypid();
        $this->launch();
    }

    /**
     * Holds these from now on, and nothing else.
     *
     * @param list<string> $receipts
     * @param int $lease seconds
     */
    public function hold(array $receipts, int $lease): void
    {
        if ($this->pid !== getmypid()) {
            return;
        }
        $this->awaitKeeper();
        $this->held = $receipts;
        $this->lease = $lease;
        $this->toldAt = Monotonic::now();
        if (!$this->tellHeld(false) && $receipts !== []) {
            // Somebody has killed it. Its last extension may be long ago.
            $this->end();
            $this->launch();
            $this->awaitKeeper();
            $this->tellHeld(true);
        }
    }

    /** Says that the work on what is held goes on with another message: the limit of a handler's time counts from here. */
    public function goOn(): void
    {
        if (Monotonic::now() - $this->toldAt > self::TELL_SECONDS) {
            $this->hold($this->held, $this->lease);
        }
    }

    public function letGo(): void
    {
        $this->hold([], $this->lease);
    }

    /** Safe twice. */
    public function end(): void
    {
        if ($this->pid !== getmypid()) {
            return;
        }
        $this->awaitKeeper();
        if ($this->pipe !== null) {
            fclose($this->pipe);
            $this->pipe = null;
        }
        if ($this->keeper !== null && \function_exists('posix_kill')) {
            // It has nothing to finish, and may be in a call that waits.
            posix_kill($this->keeper, 9);
            if (\function_exists('pcntl_waitpid')) {
                // Where this process is the first of a container, it inherits the keeper. Otherwise this is nobody of ours.
                pcntl_waitpid($this->keeper, $status);
            }
        }
        $this->keeper = null;
        if ($this->starter !== null) {
            proc_close($this->starter);
            $this->starter = null;
        }
    }

    public function __destruct()
    {
        $this->end();
    }

    private function launch(): void
    {
        $program = [\PHP_BINARY, \dirname(__DIR__, 2) . '/bin/waybill-lease-keeper', self::vendor() . '/autoload.php'];
        $process = proc_open($program, [['pipe', 'r'], ['pipe', 'w'], \STDERR], $pipes);
        if ($process === false) {
            throw new \RuntimeException('cannot start the process that extends leases; `extend: false` does without');
        }
        $this->starter = $process;
        [$this->pipe, $this->told] = $pipes;
        $tls = $this->connect->tls;
        $this->tell([
            'url' => $this->connect->url,
            'name' => $this->connect->name,
            'transport' => $this->connect->transport->value,
            'parent' => $this->pid,
            'tls' => $tls === null ? null : get_object_vars($tls),
            'limit' => $this->limit,
        ]);
    }

    /** The keeper says who it is, once it is nobody's child; its starter ends with that. Without pcntl they are one. */
    private function awaitKeeper(): void
    {
        if ($this->starter === null || $this->told === null) {
            return;
        }
        $pid = (int) fgets($this->told);
        fclose($this->told);
        $this->told = null;
        $this->keeper = $pid > 0 ? $pid : null;
        if ($pid !== proc_get_status($this->starter)['pid']) {
            // Not proc_close, which would close the pipe too.
            while (proc_get_status($this->starter)['running']) {
                usleep(500);
            }
        }
    }

    private function tellHeld(bool $atOnce): bool
    {
        return $this->tell(['hold' => $this->held, 'lease' => $this->lease, 'now' => $atOnce, 'token' => $this->connect->token()]);
    }

    /**
     * @param array<string, mixed> $message
     */
    private function tell(array $message): bool
    {
        return $this->pipe !== null && @fwrite($this->pipe, json_encode($message, \JSON_THROW_ON_ERROR) . "\n") !== false;
    }

    /** Of several applications in one process, as a tool's and the one it works on, the one that this class is of. */
    private static function vendor(): string
    {
        $loaders = ClassLoader::getRegisteredLoaders();
        foreach ($loaders as $vendor => $loader) {
            if ($loader->findFile(self::class) !== false) {
                return $vendor;
            }
        }

        return (string) array_key_first($loaders);
    }
}
