<?php

declare(strict_types=1);

// Dispatches and works jobs of one driver, in a process of its own; says how many a second as JSON. See laravel.ts for what is compared.

use App\Jobs\Nothing;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Support\Facades\Artisan;
use Illuminate\Support\Facades\Queue;

[, $application, $connection, $count] = $argv;
$count = (int) $count;
require "{$application}/vendor/autoload.php";
$app = require "{$application}/bootstrap/app.php";
$app->make(Kernel::class)->bootstrap();
Artisan::call('migrate:fresh', ['--force' => true]);
// So that the queue is there, as it is in production.
Queue::connection($connection)->pop();

/** @param callable(): void $work */
function rate(int $count, callable $work): float
{
    $began = hrtime(true);
    $work();

    return $count / ((hrtime(true) - $began) / 1e9);
}

$dispatch = rate($count, static function () use ($count, $connection): void {
    for ($i = 0; $i < $count; ++$i) {
        Nothing::dispatch($i)->onConnection($connection);
    }
});
$worker = $app->make('queue.worker');
assert($worker instanceof Worker);
$options = new WorkerOptions(sleep: 0);
$work = rate($count, static function () use ($worker, $options, $count, $connection): void {
    while (Nothing::$handled < $count) {
        $worker->runNextJob($connection, 'default', $options);
    }
});
$bulk = rate($count, static fn() => Queue::connection($connection)->bulk(array_map(static fn(int $i) => new Nothing($i), range(1, $count))));
echo json_encode(['dispatch' => $dispatch, 'bulk' => $bulk, 'work' => $work]);
