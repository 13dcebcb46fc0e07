<?php

declare(strict_types=1);

namespace App\Jobs;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

/** Does nothing but count, so that what is measured is the queue. */
final class Nothing implements ShouldQueue
{
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    public static int $handled = 0;

    public function __construct(public readonly int $number) {}

    public function handle(): void
    {
        ++self::$handled;
    }
}
