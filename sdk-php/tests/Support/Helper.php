<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

/** A Node program that helps a test. It says one line of JSON when it is ready, and ends when its standard input does: with the test, at the latest. */
final class Helper
{
    private const READY_SECONDS = 20;

    /** @var array<string, mixed> the line of JSON */
    public readonly array $said;

    /** @var resource|null */
    private $process;

    /** @var array<int, resource> */
    private array $pipes;

    /**
     * @param list<string> $arguments
     * @param array<string, string>|null $environment
     */
    public function __construct(string $program, array $arguments, ?array $environment = null)
    {
        $command = ['node', \dirname(__DIR__) . "/fixtures/{$program}", ...$arguments];
        $process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], \STDERR], $pipes, null, $environment);
        if ($process === false) {
            throw new \RuntimeException("cannot start {$program}");
        }
        $this->process = $process;
        $this->pipes = $pipes;
        $this->said = $this->firstLine($program);
    }

    public function number(string $name): int
    {
        $value = $this->said[$name] ?? null;

        return \is_int($value) ? $value : throw new \RuntimeException("it did not say {$name}");
    }

    public function text(string $name): string
    {
        $value = $this->said[$name] ?? null;

        return \is_string($value) ? $value : throw new \RuntimeException("it did not say {$name}");
    }

    /** Ends it, and waits until it is gone. Safe twice. */
    public function end(): void
    {
        if ($this->process === null) {
            return;
        }
        foreach ($this->pipes as $pipe) {
            fclose($pipe);
        }
        proc_close($this->process);
        $this->process = null;
    }

    public function __destruct()
    {
        $this->end();
    }

    /**
     * @return array<string, mixed>
     */
    private function firstLine(string $program): array
    {
        $ready = [$this->pipes[1]];
        $none = null;
        $line = stream_select($ready, $none, $none, self::READY_SECONDS) === 1 ? fgets($this->pipes[1]) : false;
        $said = $line === false ? null : json_decode($line, true);
        if (!\is_array($said)) {
            throw new \RuntimeException("{$program} did not start");
        }
        $named = [];
        foreach ($said as $name => $value) {
            $named[(string) $name] = $value;
        }

        return $named;
    }
}
