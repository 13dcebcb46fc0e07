<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Container\Container;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\ConnectionResolverInterface;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\Looping;
use Illuminate\Queue\QueueManager;
use Illuminate\Support\ServiceProvider;
use Waybill\Client;
use Waybill\Inbox\Inbox;
use Waybill\Laravel\Events\PublishEvent;
use Waybill\Laravel\Events\ShouldPublish;
use Waybill\Laravel\Messages\Subscriptions;
use Waybill\Laravel\Outbox\ApplicationOutbox;
use Waybill\Laravel\Queue\JobPublisher;
use Waybill\Laravel\Queue\WaybillConnector;
use Waybill\Laravel\Queue\WaybillJob;
use Waybill\Laravel\Queue\WorkedQueues;
use Waybill\Outbox\Outbox;

/** Makes the package a part of the application; Laravel finds it by itself. */
final class WaybillServiceProvider extends ServiceProvider
{
    private const CONFIG = __DIR__ . '/../../config/waybill.php';
    private const MIGRATIONS = __DIR__ . '/../../database/migrations';

    private const COMMANDS = [
        Console\ConsumeCommand::class,
        Console\DeadCommand::class,
        Console\DoctorCommand::class,
        Console\PublishCommand::class,
        Console\RelayCommand::class,
        Console\RetryCommand::class,
        Console\ScheduleCommand::class,
        Console\TopicsCommand::class,
    ];

    public function register(): void
    {
        $this->mergeConfigFrom(self::CONFIG, 'waybill');
        $this->addQueueConnection();

        // One for the process, and not one for each request that a long-lived server clones the application for: connections are kept.
        $clients = new Clients(fn() => self::config($this->app)->get('waybill'));
        $this->app->instance(Clients::class, $clients);
        $jobs = new JobPublisher();
        $worked = new WorkedQueues();
        $this->app->instance(WorkedQueues::class, $worked);
        $this->app->bind(Client::class, static fn() => $clients->client());
        $this->app->bind(Bus::class, static fn(Container $app) => new GatewayBus($clients, $app, $jobs));
        $this->app->bind(ApplicationOutbox::class, static fn(Container $app) => self::outbox($app));
        $this->app->bind(Inbox::class, static fn(Container $app) => new Inbox(self::settings($app, 'inbox')->string('table', Inbox::TABLE)));
        $this->app->bind(Subscriptions::class, static fn(Container $app) => Subscriptions::of(
            self::config($app)->get('waybill.topics'),
            self::settings($app)->string('channel', 'laravel'),
        ));
        $this->callAfterResolving('queue', static function (QueueManager $manager, Container $app) use ($clients, $jobs, $worked): void {
            $outbox = static fn() => $app->make(ApplicationOutbox::class);
            $defaults = static fn() => self::config($manager->getApplication())->get('waybill.queue');
            $manager->addConnector('waybill', static fn() => new WaybillConnector($clients, $outbox, $jobs, $worked, $defaults));
        });
    }

    public function boot(): void
    {
        $events = $this->app->make(Dispatcher::class);
        $events->listen(ShouldPublish::class, PublishEvent::class);
        $events->listen(Looping::class, $this->app->make(WorkedQueues::class)->heard(...));
        $events->listen(JobExceptionOccurred::class, static function (JobExceptionOccurred $event): void {
            if ($event->job instanceof WaybillJob) {
                $event->job->because($event->exception);
            }
        });
        if ($this->app->runningInConsole()) {
            $this->publishes([self::CONFIG => $this->app->configPath('waybill.php')], 'waybill-config');
            $this->publishes([self::MIGRATIONS => $this->app->databasePath('migrations')], 'waybill-migrations');
            $this->commands(self::COMMANDS);
        }
    }

    /** QUEUE_CONNECTION=waybill needs nothing in config/queue.php; what is there stays. */
    private function addQueueConnection(): void
    {
        $config = self::config($this->app);
        if ($config->get('queue.connections.waybill') === null) {
            $config->set('queue.connections.waybill', $config->get('waybill.queue'));
        }
    }

    private static function outbox(Container $app): ApplicationOutbox
    {
        $settings = self::settings($app, 'outbox');

        return new ApplicationOutbox(
            $app->make(ConnectionResolverInterface::class),
            new Outbox($settings->string('table', Outbox::TABLE)),
            $settings->string('connection'),
        );
    }

    private static function settings(Container $app, string $part = ''): Settings
    {
        $settings = Settings::of('waybill', self::config($app)->get('waybill'));

        return $part === '' ? $settings : $settings->part($part);
    }

    private static function config(Container $app): Repository
    {
        return $app->make(Repository::class);
    }
}
