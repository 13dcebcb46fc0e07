<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/**
 * Listens to signals as long as a consumer runs; afterwards all is as before. Without pcntl it hears nothing.
 *
 * @internal
 */
final class Signals
{
    /**
     * @param list<int> $signals
     * @param \Closure(): void $heard
     */
    public static function on(array $signals, \Closure $heard): self
    {
        if (!\function_exists('pcntl_signal') || $signals === []) {
            return new self([], false);
        }
        $before = [];
        foreach ($signals as $signal) {
            $before[$signal] = pcntl_signal_get_handler($signal);
            // Not restarted: what waits is to end.
            pcntl_signal($signal, static fn() => $heard(), false);
        }

        return new self($before, pcntl_async_signals(true));
    }

    /**
     * @param array<int, callable|int|string> $before
     */
    private function __construct(
        private readonly array $before,
        private readonly bool $async,
    ) {}

    public function restore(): void
    {
        foreach ($this->before as $signal => $handler) {
            pcntl_signal($signal, \is_string($handler) && !\is_callable($handler) ? \SIG_DFL : $handler);
        }
        if ($this->before !== []) {
            pcntl_async_signals($this->async);
        }
    }
}
