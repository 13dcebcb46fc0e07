<?php

declare(strict_types=1);

namespace App\Jobs;

use App\Trace;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

/** Is released again and again until a time; its `tries` are not counted. */
final class Stubborn implements ShouldQueue
{
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    public function __construct(
        public readonly string $name,
        private readonly int $until,
        private readonly int $releases,
    ) {}

    public function retryUntil(): \DateTimeInterface
    {
        return new \DateTimeImmutable("@{$this->until}");
    }

    public function handle(): void
    {
        Trace::write("{$this->name} attempt {$this->attempts()}");
        if ($this->attempts() <= $this->releases) {
            $this->release(0);
        }
    }

    public function failed(\Throwable $thrown): void
    {
        Trace::write("{$this->name} failed: " . $thrown::class);
    }
}
