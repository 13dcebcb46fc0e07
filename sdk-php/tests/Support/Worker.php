<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

/** A PHP program of `fixtures` in a process of its own. */
final class Worker
{
    public readonly int $pid;

    /** @var resource */
    private $process;

    /** @var resource */
    private $output;

    public function __construct(string $program, string ...$arguments)
    {
        $command = [\PHP_BINARY, \dirname(__DIR__) . "/fixtures/{$program}", ...array_values($arguments)];
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], \STDERR], $pipes);
        if ($process === false) {
            throw new \RuntimeException("cannot start {$program}");
        }
        $this->process = $process;
        $this->output = $pipes[1];
        $this->pid = proc_get_status($process)['pid'];
    }

    /** What it says next; empty at the end. */
    public function line(): string
    {
        return trim((string) fgets($this->output));
    }

    public function signal(int $signal): void
    {
        posix_kill($this->pid, $signal);
    }

    /** All that it still says, until it has ended. */
    public function rest(): string
    {
        return trim((string) stream_get_contents($this->output));
    }

    public function __destruct()
    {
        $this->signal(\SIGKILL);
        proc_close($this->process);
    }
}
