<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Contracts\Debug\ExceptionHandler;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Consumer\StopReason;
use Waybill\Consumer\Summary;
use Waybill\Delivery;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Messages\HandlerCaller;
use Waybill\Laravel\Messages\Subscription;
use Waybill\Laravel\Messages\Subscriptions;

final class ConsumeCommand extends GatewayCommand
{
    /** Seconds that one of several subscriptions is listened to before the next. */
    private const TURN = 0.5;

    protected $signature = 'waybill:consume
        {topic? : Only this entry of config waybill.topics; one process for each is the fastest}
        {--channel= : Instead of the configured one}
        {--batch=10 : The most messages that are taken at a time}
        {--max-messages= : End after so many}
        {--max-time= : End after so many seconds}
        {--memory=128 : End when PHP uses so many MiB}
        {--stop-when-empty : End when nothing is left}';

    protected $description = 'Hand the messages of topics to the handlers of config waybill.topics';

    private float $begun = 0;
    private int $handled = 0;

    protected function work(): int
    {
        $subscriptions = $this->chosen();
        if ($subscriptions === []) {
            $this->components->error('config waybill.topics has no handler' . ($this->given('topic') === null ? '.' : " for {$this->given('topic')}."));

            return self::FAILURE;
        }
        $names = array_map(static fn(Subscription $subscription) => "{$subscription->topic}/{$subscription->channel}", $subscriptions);
        $this->components->info('Consuming [' . implode(', ', $names) . '].');
        $this->begun = microtime(true);
        $this->handled = 0;
        if (\count($subscriptions) === 1) {
            $this->consume($subscriptions[0], 20, $this->option('stop-when-empty') === true);
        } else {
            $this->takeTurns($subscriptions);
        }

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

    /**
     * @param non-empty-list<Subscription> $subscriptions
     */
    private function takeTurns(array $subscriptions): void
    {
        do {
            $idle = true;
            foreach ($subscriptions as $subscription) {
                $summary = $this->consume($subscription, self::TURN / \count($subscriptions), true);
                $idle = $idle && $summary->done + $summary->failed === 0;
                if ($summary->reason !== StopReason::Empty) {
                    return;
                }
            }
        } while (!$idle || $this->option('stop-when-empty') !== true);
    }

    private function consume(Subscription $subscription, float $wait, bool $stopWhenEmpty): Summary
    {
        $messages = $this->whole('max-messages');
        $seconds = $this->number('max-time');
        $summary = $this->laravel->make(Clients::class)->worker()->consume(
            $subscription->topic,
            $subscription->channel,
            fn(Delivery $delivery) => $this->handled($subscription, $delivery),
            new ConsumeOptions(
                batch: $this->whole('batch') ?? 10,
                lease: $subscription->lease,
                wait: $stopWhenEmpty ? min($wait, 1) : $wait,
                retry: $subscription->retry,
                maxMessages: $messages === null ? null : max(1, $messages - $this->handled),
                maxSeconds: $seconds === null ? null : max(0.001, $seconds - (microtime(true) - $this->begun)),
                maxMemoryMiB: $this->whole('memory'),
                stopWhenEmpty: $stopWhenEmpty,
                onError: fn(\Throwable $thrown, Delivery $delivery) => $this->failed($thrown, $delivery),
            ),
        );
        $this->handled += $summary->done + $summary->failed;

        return $summary;
    }

    private function handled(Subscription $subscription, Delivery $delivery): void
    {
        $begun = microtime(true);
        $this->laravel->make(HandlerCaller::class)->call($subscription, $delivery->message, $delivery);
        $this->told($delivery, \sprintf('<fg=gray>%.2fms</> <fg=green;options=bold>DONE</>', (microtime(true) - $begun) * 1000));
    }

    private function failed(\Throwable $thrown, Delivery $delivery): void
    {
        $this->laravel->make(ExceptionHandler::class)->report($thrown);
        $this->told($delivery, "<fg=gray>{$thrown->getMessage()}</> <fg=red;options=bold>FAIL</>");
    }

    private function told(Delivery $delivery, string $how): void
    {
        $message = $delivery->message;
        $this->components->twoColumnDetail('<fg=gray>' . date('Y-m-d H:i:s') . "</> {$message->topic} <fg=gray>{$message->id}</>", $how);
    }
}
