<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Trace;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Foundation\Application;
use Illuminate\Queue\Console\WorkCommand;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\JobReleasedAfterException;
use Illuminate\Queue\Events\Looping;
use Illuminate\Queue\QueueManager;
use Illuminate\Queue\Worker;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Facade;
use PHPUnit\Framework\TestCase;
use Symfony\Component\Process\Process;
use Waybill\Admin\Admin;
use Waybill\Admin\DeadQuery;
use Waybill\Laravel\Clients;

/** The application, booted in this process, with a folder, a database and names on the bus that are this test's own. */
abstract class ApplicationTestCase extends TestCase
{
    protected Application $app;

    /** What topics and queues of this test begin with. */
    protected string $prefix;

    protected string $folder;

    /** @var list<Process> */
    private array $processes = [];

    protected function setUp(): void
    {
        $this->prefix = 't' . bin2hex(random_bytes(5)) . '.';
        $this->folder = sys_get_temp_dir() . '/waybill-laravel-' . bin2hex(random_bytes(5));
        mkdir($this->folder);
        touch("{$this->folder}/database.sqlite");
        foreach (['APP_WORK' => $this->folder, 'WAYBILL_QUEUE_PREFIX' => $this->prefix] as $name => $value) {
            putenv("{$name}={$value}");
            $_ENV[$name] = $_SERVER[$name] = $value;
        }
        $app = require getenv('WAYBILL_TEST_APPLICATION') . '/bootstrap/app.php';
        \assert($app instanceof Application);
        $this->app = $app;
        $this->app->make(Kernel::class)->bootstrap();
        // An empty queue is known to be so after a short wait.
        $this->configure(['queue.connections.waybill.block_for' => 0.2]);
        $this->artisan('migrate:fresh', ['--force' => true]);
    }

    protected function tearDown(): void
    {
        foreach ($this->processes as $process) {
            $process->stop(0);
        }
        $this->app->make(Clients::class)->close();
        DB::disconnect();
        $this->app->flush();
        Facade::clearResolvedInstances();
        restore_error_handler();
        restore_exception_handler();
        (new Process(['rm', '-rf', $this->folder]))->run();
    }

    /**
     * @param array<string, mixed> $config
     */
    protected function configure(array $config): void
    {
        $this->app->make(Repository::class)->set($config);
    }

    /**
     * Runs a command in this process; answers what it printed.
     *
     * @param array<string, mixed> $arguments
     */
    protected function artisan(string $command, array $arguments = [], int $status = 0): string
    {
        $kernel = $this->app->make(Kernel::class);
        $code = $kernel->call($command, $arguments);
        $output = $kernel->output();
        self::assertSame($status, $code, $output);

        return $output;
    }

    /** A command in a process of its own, which ends with the test. */
    protected function start(string ...$arguments): Process
    {
        $process = new Process([\PHP_BINARY, 'artisan', ...$arguments], (string) getenv('WAYBILL_TEST_APPLICATION'), timeout: null);
        $process->start();
        $this->processes[] = $process;

        return $process;
    }

    /**
     * Runs `queue:work` in this process until something is so; fails after a while.
     *
     * @param \Closure(): bool $condition
     */
    protected function workUntil(\Closure $condition, string $queue = 'default', string $connection = 'waybill', float $seconds = 30, int $tries = 1): void
    {
        $worker = $this->app->make('queue.worker');
        \assert($worker instanceof Worker);
        $until = microtime(true) + $seconds;
        $events = $this->app->make(Dispatcher::class);
        $events->listen(Looping::class, static function () use ($worker, $condition, $until): void {
            $worker->shouldQuit = microtime(true) > $until || $condition();
        });
        $this->artisan('queue:work', ['connection' => $connection, '--queue' => $queue, '--sleep' => 0.02, '--tries' => $tries]);
        $worker->shouldQuit = false;
        // The command's own listeners, or the next one would keep failed jobs twice, or not at all.
        if ((new \ReflectionClass(WorkCommand::class))->hasMethod('flushState')) {
            WorkCommand::flushState();
        }
        foreach ([Looping::class, JobProcessing::class, JobProcessed::class, JobFailed::class, JobReleasedAfterException::class] as $event) {
            $events->forget($event);
        }
        self::assertTrue($condition(), $this->soFar());
    }

    /**
     * @param \Closure(): bool $condition
     */
    protected function waitUntil(\Closure $condition, float $seconds = 30): void
    {
        $until = microtime(true) + $seconds;
        while (!$condition() && microtime(true) < $until) {
            usleep(20_000);
        }
        self::assertTrue($condition(), $this->soFar());
    }

    /** Works until the trace has so many lines. */
    protected function workUntilTraced(int $lines, string $queue = 'default', string $connection = 'waybill'): void
    {
        $this->workUntil(static fn() => \count(Trace::lines()) >= $lines, $queue, $connection);
    }

    protected function queueSize(string $queue = 'default', string $connection = 'waybill'): int
    {
        return $this->app->make(QueueManager::class)->connection($connection)->size($queue);
    }

    protected function admin(): Admin
    {
        return $this->app->make(Clients::class)->client()->admin();
    }

    /**
     * Reasons of the dead letters of a queue.
     *
     * @return list<string>
     */
    protected function deadReasons(string $queue = 'default'): array
    {
        $reasons = [];
        foreach ($this->admin()->dead(new DeadQuery($this->prefix . $queue)) as $dead) {
            $reasons[] = $dead->getReason();
        }

        return $reasons;
    }

    /** What the application has logged. */
    protected function log(): string
    {
        return is_file("{$this->folder}/laravel.log") ? (string) file_get_contents("{$this->folder}/laravel.log") : '';
    }

    /** Waits until a process has ended, by itself or by a signal. */
    protected function ended(Process $process): void
    {
        $this->waitUntil(static fn() => !$process->isRunning());
    }

    private function soFar(): string
    {
        $printed = implode("\n", array_map(static fn(Process $process) => $process->getOutput() . $process->getErrorOutput(), $this->processes));
        $lines = Trace::lines();

        return \sprintf("waited in vain; %d lines traced:\n%s\n%s\n%s", \count($lines), implode("\n", \array_slice($lines, -5)), substr($printed, -500), substr($this->log(), 0, 1500));
    }
}
