<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Console\Command;
use Symfony\Component\Console\Exception\InvalidArgumentException;
use Symfony\Component\Console\Formatter\OutputFormatter;
use Symfony\Component\Console\Output\OutputInterface;
use Waybill\Client;
use Waybill\Exception\WaybillException;
use Waybill\Laravel\Clients;

/** A command that talks to the gateway: what that refuses, or that it is away, is one red line and no stack trace. */
abstract class GatewayCommand extends Command
{
    final public function handle(): int
    {
        try {
            return $this->work();
        } catch (WaybillException $exception) {
            $this->components->error(self::plain($exception->getMessage()));

            return self::FAILURE;
        }
    }

    abstract protected function work(): int;

    final protected function client(): Client
    {
        return $this->laravel->make(Clients::class)->client();
    }

    /** An argument or option that was given. */
    final protected function given(string $name): ?string
    {
        $value = self::text($this->hasArgument($name) ? $this->argument($name) : $this->option($name));

        return $value === '' ? null : $value;
    }

    /**
     * @throws InvalidArgumentException when it is no number, or too small
     */
    final protected function number(string $option, float $min = 0): ?float
    {
        $value = $this->given($option);
        if ($value === null) {
            return null;
        }
        if (!is_numeric($value) || (float) $value < $min) {
            throw new InvalidArgumentException("--{$option} is \"{$value}\": it takes a number from {$min}");
        }

        return (float) $value;
    }

    final protected function whole(string $option, int $min = 1): ?int
    {
        $value = $this->number($option, $min);

        return $value === null ? null : (int) $value;
    }

    /**
     * @return list<string>
     */
    final protected function many(string $name): array
    {
        $values = $this->hasArgument($name) ? $this->argument($name) : $this->option($name);

        return \is_array($values) ? array_values(array_filter(array_map(self::text(...), $values), is_string(...))) : [];
    }

    /** Prints text as it is: else the console would take what looks like one of its tags out of it. */
    final protected function raw(string $text): void
    {
        $this->output->writeln($text, OutputInterface::OUTPUT_RAW);
    }

    final protected function json(mixed $value): void
    {
        $this->raw(json_encode($value, \JSON_THROW_ON_ERROR));
    }

    /**
     * A table of what others have named.
     *
     * @param list<string> $titles
     * @param list<array<array-key, string|int>> $rows
     */
    final protected function plainTable(array $titles, array $rows): void
    {
        $this->table($titles, array_map(static fn(array $row) => array_map(static fn(string|int $cell) => self::plain((string) $cell), $row), $rows));
    }

    /** Text of others, for where the console looks for its tags: none in it is one. */
    final protected static function plain(string $text): string
    {
        return OutputFormatter::escape($text);
    }

    /** Who calls a command from code may give a number as one. */
    private static function text(mixed $value): ?string
    {
        return \is_string($value) || \is_int($value) || \is_float($value) ? (string) $value : null;
    }

    /** Unix milliseconds, as people read them. */
    final protected static function time(int|string $ms): string
    {
        return (int) $ms === 0 ? '' : date('Y-m-d H:i:s', intdiv((int) $ms, 1000));
    }
}
