<?php

declare(strict_types=1);

namespace App\Jobs;

use App\Trace;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

/** Sleeps; writes when it begins and when it ends. */
final class Slow implements ShouldQueue
{
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    public int $tries = 1;

    public function __construct(
        public readonly string $name,
        private readonly float $seconds,
        public ?int $timeout = null,
        public bool $failOnTimeout = false,
    ) {}

    public function handle(): void
    {
        Trace::write("{$this->name} began");
        $until = microtime(true) + $this->seconds;
        while (($left = $until - microtime(true)) > 0) {
            usleep((int) ($left * 1_000_000));
        }
        Trace::write("{$this->name} ended");
    }

    public function failed(\Throwable $thrown): void
    {
        Trace::write("{$this->name} failed: " . $thrown::class);
    }
}
