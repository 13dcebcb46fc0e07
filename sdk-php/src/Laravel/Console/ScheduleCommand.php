<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\V1\MessageState;

final class ScheduleCommand extends GatewayCommand
{
    protected $signature = 'waybill:schedule
        {topic? : Only of this topic; a queue is the topic jobs.<queue>}
        {--channel= : Only retries of channels of this name}
        {--cancel= : Withdraw the message of this id; needs the topic}
        {--run= : Make the message of this id due now; needs the topic, and of a retry the channel}
        {--limit=50 : The most to list}
        {--json : For programs}';

    protected $description = 'List what waits for its time: delayed messages and retries, the next due first';

    protected function work(): int
    {
        $topic = $this->given('topic') ?? '';
        $cancel = $this->given('cancel');
        $run = $this->given('run');
        if ($cancel !== null) {
            return $this->withdraw($topic, $cancel);
        }
        if ($run !== null) {
            $this->client()->admin()->runNow($topic, $run, $this->given('channel') ?? '');
            $this->components->info(self::plain($run) . ' is due now.');

            return self::SUCCESS;
        }

        return $this->list($topic);
    }

    private function withdraw(string $topic, string $id): int
    {
        $this->client()->cancel($topic, $id);
        $this->components->info(self::plain($id) . ' is withdrawn.');

        return self::SUCCESS;
    }

    private function list(string $topic): int
    {
        $limit = $this->whole('limit') ?? 50;
        $rows = [];
        foreach ($this->client()->admin()->schedule($topic, $this->given('channel') ?? '') as $scheduled) {
            $rows[] = [
                'id' => $scheduled->getId(),
                'topic' => $scheduled->getTopic(),
                'channel' => $scheduled->getChannel(),
                'due' => self::time($scheduled->getDueTimeMs()),
                'state' => $scheduled->getState() === MessageState::MESSAGE_STATE_RETRY ? 'retry' : 'delayed',
                'attempts' => $scheduled->getAttempt(),
            ];
            if (\count($rows) >= $limit) {
                break;
            }
        }
        if ($this->option('json') === true) {
            $this->json($rows);
        } elseif ($rows === []) {
            $this->components->info('Nothing waits.');
        } else {
            $this->plainTable(['Id', 'Topic', 'Channel', 'Due', 'State', 'Attempts'], $rows);
        }

        return self::SUCCESS;
    }
}
