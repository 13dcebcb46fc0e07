<?php

declare(strict_types=1);

namespace App\Jobs;

use App\Trace;
use Illuminate\Bus\Batchable;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

/** Writes its text. */
class Note implements ShouldQueue
{
    use Batchable;
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    public function __construct(
        public readonly string $text,
        private readonly int $sleepMicroseconds = 0,
    ) {}

    public function handle(): void
    {
        if ($this->sleepMicroseconds > 0) {
            usleep($this->sleepMicroseconds);
        }
        Trace::write($this->text);
    }
}
