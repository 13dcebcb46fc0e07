<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Console\Command;
use Symfony\Component\Console\Exception\InvalidArgumentException;
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
            $this->components->error($exception->getMessage());

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
        $value = $this->hasArgument($name) ? $this->argument($name) : $this->option($name);

        return \is_string($value) && $value !== '' ? $value : null;
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

        return \is_array($values) ? array_values(array_filter($values, is_string(...))) : [];
    }

    /** Unix milliseconds, as people read them. */
    final protected static function time(int|string $ms): string
    {
        return (int) $ms === 0 ? '' : date('Y-m-d H:i:s', intdiv((int) $ms, 1000));
    }
}
