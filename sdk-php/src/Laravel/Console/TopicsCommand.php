<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\V1\Channel;

final class TopicsCommand extends GatewayCommand
{
    protected $signature = 'waybill:topics
        {prefix? : Only topics that begin with this}
        {--json : For programs}';

    protected $description = 'List topics, their channels, and how much waits in each';

    protected function work(): int
    {
        $prefix = $this->given('prefix') ?? '';
        $admin = $this->client()->admin();
        $rows = [];
        foreach ($admin->channels() as $channel) {
            if ($prefix === '' || str_starts_with($channel->getTopic(), $prefix)) {
                $rows[] = self::row($channel);
            }
        }
        foreach ($admin->topics($prefix) as $topic) {
            if ((int) $topic->getParked() > 0) {
                $rows[] = ['topic' => $topic->getName(), 'channel' => '', 'ready' => (int) $topic->getParked(), 'reserved' => 0, 'retry' => 0, 'dead' => 0, 'consumers' => 0, 'state' => 'parked'];
            }
        }
        usort($rows, static fn(array $a, array $b) => [$a['topic'], $a['channel']] <=> [$b['topic'], $b['channel']]);
        if ($this->option('json') === true) {
            $this->json($rows);
        } elseif ($rows === []) {
            $this->components->info('There are no topics yet.');
        } else {
            $this->plainTable(['Topic', 'Channel', 'Ready', 'Reserved', 'Retry', 'Dead', 'Consumers', 'State'], $rows);
        }

        return self::SUCCESS;
    }

    /**
     * @return array{topic: string, channel: string, ready: int, reserved: int, retry: int, dead: int, consumers: int, state: string}
     */
    private static function row(Channel $channel): array
    {
        $depth = $channel->getDepth();

        return [
            'topic' => $channel->getTopic(),
            'channel' => $channel->getName(),
            'ready' => (int) $depth?->getReady(),
            'reserved' => (int) $depth?->getInFlight(),
            'retry' => (int) $depth?->getScheduled(),
            'dead' => (int) $depth?->getDead(),
            'consumers' => $channel->getConsumers(),
            'state' => $channel->getPaused() ? 'paused' : '',
        ];
    }
}
