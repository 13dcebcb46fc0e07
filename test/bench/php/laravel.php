<?php

declare(strict_types=1);

// Dispatches and works jobs of one driver, in a process of its own; says how many a second as JSON. See laravel.ts for what is compared.

use App\Jobs\Nothing;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Support\Facades\Artisan;
use Illuminate\Support\Facades\Queue;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use Waybill\Laravel\Facades\Waybill;

[, $application, $connection, $count] = $argv;
$count = (int) $count;
require "{$application}/vendor/autoload.php";
$app = require "{$application}/bootstrap/app.php";
$app->make(Kernel::class)->bootstrap();
Artisan::call('migrate:fresh', ['--force' => true]);
if ($connection === 'amqplib') {
    require_once 'PhpAmqpLib/autoload.php';
    require __DIR__ . '/amqp-queue.php';
    $url = parse_url((string) getenv('APP_AMQP_URL'));
    $amqp = new AMQPStreamConnection($url['host'], $url['port'], $url['user'], $url['pass'], rawurldecode(substr($url['path'] ?? '/', 1)) ?: '/');
    config(['queue.connections.amqplib' => ['driver' => 'amqplib']]);
    Queue::addConnector('amqplib', static fn() => new AmqpConnector($amqp->channel()));
}
// So that the queue is there, as it is in production.
Queue::connection($connection)->pop();

/** @param callable(): void $work */
function rate(int $count, callable $work): float
{
    $began = hrtime(true);
    $work();

    return $count / ((hrtime(true) - $began) / 1e9);
}

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
echo json_encode($figures);
