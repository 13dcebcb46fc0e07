<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Waybill\Exception\InvalidArgumentException;

/**
 * A part of the application's config, read with types: what is of another one is an error that names the key.
 *
 * @internal
 */
final readonly class Settings
{
    /**
     * @param string $path where it stands, for errors: `waybill.queue`
     * @param array<array-key, mixed> $values
     */
    private function __construct(
        private string $path,
        private array $values,
    ) {}

    public static function of(string $path, mixed $values): self
    {
        return new self($path, \is_array($values) ? $values : []);
    }

    public function string(string $key, string $default = ''): string
    {
        return $this->optional($key) ?? $default;
    }

    public function optional(string $key): ?string
    {
        $value = $this->values[$key] ?? null;

        return $value === null || $value === '' ? null : (\is_scalar($value) ? (string) $value : throw $this->wrong($key, 'text'));
    }

    public function int(string $key, int $default): int
    {
        $value = $this->values[$key] ?? $default;

        return filter_var($value, \FILTER_VALIDATE_INT) === false ? throw $this->wrong($key, 'a whole number') : (int) (\is_scalar($value) ? $value : 0);
    }

    public function float(string $key, float $default): float
    {
        $value = $this->values[$key] ?? $default;

        return is_numeric($value) ? (float) $value : throw $this->wrong($key, 'a number');
    }

    /** Config values are often text from the environment. */
    public function bool(string $key): bool
    {
        return filter_var($this->values[$key] ?? false, \FILTER_VALIDATE_BOOL);
    }

    /** A switch that may name a connection instead: null is off, empty is the default connection. */
    public function connection(string $key): ?string
    {
        $value = $this->values[$key] ?? false;
        if (\is_string($value) && filter_var($value, \FILTER_VALIDATE_BOOL, \FILTER_NULL_ON_FAILURE) === null) {
            return $value;
        }

        return $this->bool($key) ? '' : null;
    }

    public function has(string $key): bool
    {
        return isset($this->values[$key]);
    }

    public function part(string $key): self
    {
        return self::of("{$this->path}.{$key}", $this->values[$key] ?? null);
    }

    private function wrong(string $key, string $limit): InvalidArgumentException
    {
        return InvalidArgumentException::option("config {$this->path}.{$key}", get_debug_type($this->values[$key] ?? null), $limit);
    }
}
