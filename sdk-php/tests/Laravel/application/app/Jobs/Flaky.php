<?php

declare(strict_types=1);

namespace App\Jobs;

use App\Trace;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

/** Fails until an attempt; writes the attempt and the time of each. */
final class Flaky implements ShouldQueue
{
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    /**
     * @param int $succeedsAt the first attempt that does not throw
     * @param list<int> $waits seconds before each retry
     */
    public function __construct(
        public readonly string $name,
        private readonly int $succeedsAt,
        public int $tries = 3,
        private readonly array $waits = [0],
        private readonly bool $failedThrows = false,
    ) {}

    /**
     * @return list<int>
     */
    public function backoff(): array
    {
        return $this->waits;
    }

    public function handle(): void
    {
        Trace::write("{$this->name} attempt {$this->attempts()} at " . (int) (microtime(true) * 1000));
        if ($this->attempts() < $this->succeedsAt) {
            throw new \RuntimeException("attempt {$this->attempts()} of {$this->name} failed");
        }
    }

    public function failed(\Throwable $thrown): void
    {
        Trace::write("{$this->name} failed: {$thrown->getMessage()}");
        if ($this->failedThrows) {
            throw new \LogicException('failed() failed too');
        }
    }
}
