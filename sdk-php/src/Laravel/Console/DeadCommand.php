<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\Admin\Admin;
use Waybill\Admin\DeadQuery;
use Waybill\V1\Attempt;
use Waybill\V1\Timeline;

final class DeadCommand extends GatewayCommand
{
    private const SHOWN_REASON = 60;

    protected $signature = 'waybill:dead
        {topic? : Only of this topic; a queue is the topic jobs.<queue>}
        {--channel= : Only of channels of this name}
        {--reason= : Only with this text in the reason}
        {--id= : One message, with its body; needs the topic}
        {--limit=50 : The most to list}
        {--json : For programs}';

    protected $description = 'List dead letters, the last to die first';

    protected function work(): int
    {
        $admin = $this->client()->admin();
        $id = $this->given('id');
        if ($id !== null) {
            return $this->show($admin, $id);
        }
        $limit = $this->whole('limit') ?? 50;
        $rows = [];
        foreach ($admin->dead($this->query()) as $dead) {
            $rows[] = [
                'id' => $dead->getId(),
                'topic' => $dead->getTopic(),
                'channel' => $dead->getChannel(),
                'attempts' => $dead->getAttempt(),
                'died' => self::time($dead->getDeadTimeMs()),
                'reason' => $dead->getReason(),
            ];
            if (\count($rows) >= $limit) {
                break;
            }
        }
        if ($this->option('json') === true) {
            $this->line(json_encode($rows, \JSON_THROW_ON_ERROR));
        } elseif ($rows === []) {
            $this->components->info('There are no dead letters.');
        } else {
            $this->table(['Id', 'Topic', 'Channel', 'Attempts', 'Died', 'Reason'], array_map(static fn(array $row) => [
                ...$row,
                'reason' => mb_strimwidth(strtok($row['reason'], "\n") ?: '', 0, self::SHOWN_REASON, '…'),
            ], $rows));
            $this->components->info('Give them back with waybill:retry <id>, or waybill:retry --all.');
        }

        return self::SUCCESS;
    }

    private function show(Admin $admin, string $id): int
    {
        $response = $admin->message($id, $this->given('topic') ?? '');
        $this->components->twoColumnDetail('<fg=green;options=bold>' . $response->getTopic() . '</>', $response->getId());
        foreach ($response->getTimelines() as $timeline) {
            if ($timeline instanceof Timeline) {
                $this->showAttempts($timeline);
            }
        }
        $this->newLine();
        $this->line($response->getMessage()?->getBody() ?? '');

        return self::SUCCESS;
    }

    private function showAttempts(Timeline $timeline): void
    {
        $channel = $timeline->getRecord()?->getChannel() ?? '';
        foreach ($timeline->getAttempts() as $attempt) {
            if ($attempt instanceof Attempt) {
                $time = self::time($attempt->getDeliverTimeMs());
                $this->components->twoColumnDetail("{$channel} #{$attempt->getNumber()} <fg=gray>{$time}</>", $attempt->getReason());
            }
        }
    }

    private function query(): DeadQuery
    {
        return new DeadQuery(
            $this->given('topic') ?? '',
            $this->given('channel') ?? '',
            reasonContains: $this->given('reason') ?? '',
        );
    }
}
