<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Psr\Log\LoggerInterface;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Consumer\RetryAfter;
use Waybill\Consumer\Source;
use Waybill\Delivery;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Messages\HandlerCaller;
use Waybill\Laravel\Messages\Scope;
use Waybill\Laravel\Messages\Subscription;
use Waybill\Laravel\Messages\Subscriptions;

final class ConsumeCommand extends GatewayCommand
{
    protected $signature = 'waybill:consume
        {topic? : Only this entry of config waybill.topics; one process for each is the fastest}
        {--channel= : Instead of the configured one}
        {--batch=10 : The most messages that are taken at a time}
        {--max-messages= : End after so many}
        {--max-time= : End after so many seconds}
        {--memory=128 : End when PHP uses so many MiB}
        {--stop-when-empty : End when nothing is left}
        {--force : Also while the application is down for maintenance}';

    protected $description = 'Hand the messages of topics to the handlers of config waybill.topics';

    protected function work(): int
    {
        $subscriptions = $this->chosen();
        if ($subscriptions === []) {
            $this->components->error('config waybill.topics has no handler' . ($this->given('topic') === null ? '.' : " for {$this->given('topic')}."));

            return self::FAILURE;
        }
        $names = array_map(static fn(Subscription $subscription) => "{$subscription->topic}/{$subscription->channel}", $subscriptions);
        $this->components->info('Consuming [' . implode(', ', $names) . '].');
        $restarted = $this->restarted();
        $this->laravel->make(Clients::class)->worker()->consumeAll(array_map($this->source(...), $subscriptions), new ConsumeOptions(
            batch: $this->whole('batch') ?? 10,
            maxMessages: $this->whole('max-messages'),
            maxSeconds: $this->number('max-time'),
            maxMemoryMiB: $this->whole('memory'),
            stopWhenEmpty: $this->option('stop-when-empty') === true,
            until: fn() => $this->restarted() !== $restarted,
            paused: fn() => $this->option('force') !== true && $this->laravel->isDownForMaintenance(),
            onError: fn(\Throwable $thrown, Delivery $delivery) => $this->failed($thrown, $delivery),
            logger: $this->laravel->make(LoggerInterface::class),
        ));

        return self::SUCCESS;
    }

    /**
     * @return list<Subscription>
     */
    private function chosen(): array
    {
        $all = $this->laravel->make(Subscriptions::class);
        $topic = $this->given('topic');
        $found = $topic === null ? null : $all->find($topic);
        $chosen = $topic === null ? $all->all : ($found === null ? [] : [$found]);
        $channel = $this->given('channel');

        return $channel === null ? $chosen : array_map(static fn(Subscription $subscription) => $subscription->onChannel($channel), $chosen);
    }

    private function source(Subscription $subscription): Source
    {
        $handler = fn(Delivery $delivery) => $this->handled($subscription, $delivery);

        return new Source($subscription->topic, $subscription->channel, $handler, $subscription->lease, $subscription->retry);
    }

    /** When `queue:restart` was last asked for, as a deployment does: this process has the code of before. */
    private function restarted(): mixed
    {
        return $this->laravel->make(Cache::class)->get('illuminate:queue:restart');
    }

    private function handled(Subscription $subscription, Delivery $delivery): void
    {
        $begun = microtime(true);
        Scope::reset($this->laravel);
        $this->laravel->make(HandlerCaller::class)->call($subscription, $delivery->message, $delivery);
        $this->told($delivery, \sprintf('<fg=gray>%.2fms</> <fg=green;options=bold>DONE</>', (microtime(true) - $begun) * 1000));
    }

    private function failed(\Throwable $thrown, Delivery $delivery): void
    {
        $why = '<fg=gray>' . self::plain($thrown->getMessage()) . '</>';
        if ($thrown instanceof RetryAfter) {
            // A handler's decision, and no fault.
            $this->told($delivery, "{$why} <fg=yellow;options=bold>RETRY</>");

            return;
        }
        $this->laravel->make(ExceptionHandler::class)->report($thrown);
        $this->told($delivery, "{$why} <fg=red;options=bold>FAIL</>");
    }

    private function told(Delivery $delivery, string $how): void
    {
        $message = $delivery->message;
        $id = self::plain($message->id);
        $this->components->twoColumnDetail('<fg=gray>' . date('Y-m-d H:i:s') . "</> {$message->topic} <fg=gray>{$id}</>", $how);
    }
}
