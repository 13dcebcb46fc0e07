<?php

declare(strict_types=1);

// Dispatches and works jobs of one driver, in a process of its own; says how many a second as JSON. See laravel.ts for what is compared.

use App\Jobs\Nothing;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Support\Facades\Artisan;
use Illuminate\Support\Facades\Facade;
use Illuminate\Support\Facades\Queue;
use Waybill\Laravel\Facades\Waybill;

[, $folder, $connection, $count, $requests] = $argv;
$count = (int) $count;
require "{$folder}/vendor/autoload.php";
if ($connection === 'amqplib') {
    require_once 'PhpAmqpLib/autoload.php';
    require __DIR__ . '/amqp-queue.php';
}

/** The application as a process has it that has just begun, or a request under FPM: without any connection. */
function boot(string $folder): Application
{
    Facade::clearResolvedInstances();
    $app = require "{$folder}/bootstrap/app.php";
    assert($app instanceof Application);
    $app->make(Kernel::class)->bootstrap();
    config(['queue.connections.amqplib' => ['driver' => 'amqplib']]);
    Queue::addConnector('amqplib', static fn() => new AmqpConnector((string) getenv('APP_AMQP_URL')));

    return $app;
}

/** @param callable(): void $work */
function rate(int $count, callable $work): float
{
    $began = hrtime(true);
    $work();

    return $count / ((hrtime(true) - $began) / 1e9);
}

/** Each dispatches one job over a connection of its own. How long the application takes to boot, the same for all drivers, is not counted. */
function rateOfRequests(int $count, string $folder, string $connection): float
{
    $nanoseconds = 0;
    for ($i = 0; $i < $count; ++$i) {
        $app = boot($folder);
        $began = hrtime(true);
        Nothing::dispatch($i)->onConnection($connection);
        // The end of the process: what nobody holds any more closes its connection.
        Facade::clearResolvedInstances();
        $app->flush();
        unset($app);
        gc_collect_cycles();
        $nanoseconds += hrtime(true) - $began;
    }

    return $count / ($nanoseconds / 1e9);
}

$app = boot($folder);
Artisan::call('migrate:fresh', ['--force' => true]);
// So that the queue is there, as it is in production.
Queue::connection($connection)->pop();

$all = static function () use ($count, $connection): void {
    for ($i = 0; $i < $count; ++$i) {
        Nothing::dispatch($i)->onConnection($connection);
    }
};
$figures = ['dispatch' => rate($count, $all)];
if ($connection !== 'amqplib') {
    $worker = $app->make('queue.worker');
    assert($worker instanceof Worker);
    $options = new WorkerOptions(sleep: 0);
    $figures['work'] = rate($count, static function () use ($worker, $options, $count, $connection): void {
        while (Nothing::$handled < $count) {
            $worker->runNextJob($connection, 'default', $options);
        }
    });
}
if ($connection === 'waybill') {
    $figures['pipeline'] = rate($count, static fn() => Waybill::pipeline($all));
} elseif ($connection === 'amqplib') {
    $queue = Queue::connection($connection);
    assert($queue instanceof AmqpQueue);
    $queue->pipelined = true;
    $figures['pipeline'] = rate($count, static function () use ($all, $queue): void {
        $all();
        $queue->confirm();
    });
    $queue->pipelined = false;
}
$figures['bulk'] = rate($count, static fn() => Queue::connection($connection)->bulk(array_map(static fn(int $i) => new Nothing($i), range(1, $count))));
// Last, as it ends the application that the others need.
$figures['request'] = rateOfRequests((int) $requests, $folder, $connection);
echo json_encode($figures);
