<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\Admin\Admin;
use Waybill\Admin\DeadQuery;
use Waybill\V1\Attempt;
use Waybill\V1\GetMessageResponse;
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
            $this->json($rows);
        } elseif ($rows === []) {
            $this->components->info('There are no dead letters.');
        } else {
            $this->plainTable(['Id', 'Topic', 'Channel', 'Attempts', 'Died', 'Reason'], array_map(static fn(array $row) => [
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
        $body = $response->getMessage()?->getBody() ?? '';
        $channels = self::channels($response);
        if ($this->option('json') === true) {
            $text = preg_match('//u', $body) === 1;
            $this->json([
                'id' => $response->getId(),
                'topic' => $response->getTopic(),
                'channels' => $channels,
                'body' => $text ? $body : base64_encode($body),
                'base64' => !$text,
            ]);

            return self::SUCCESS;
        }
        $topic = self::plain($response->getTopic());
        $this->components->twoColumnDetail("<fg=green;options=bold>{$topic}</>", self::plain($response->getId()));
        foreach ($channels as $channel) {
            $name = self::plain($channel['channel']);
            foreach ($channel['attempts'] as $attempt) {
                $this->components->twoColumnDetail("{$name} #{$attempt['number']} <fg=gray>{$attempt['delivered']}</>", self::plain($attempt['reason']));
            }
        }
        $this->newLine();
        $this->raw($body);

        return self::SUCCESS;
    }

    /**
     * The attempts on each channel that made any.
     *
     * @return list<array{channel: string, attempts: non-empty-list<array{number: int, delivered: string, reason: string}>}>
     */
    private static function channels(GetMessageResponse $response): array
    {
        $channels = [];
        foreach ($response->getTimelines() as $timeline) {
            $attempts = $timeline instanceof Timeline ? self::attempts($timeline) : [];
            if ($attempts !== []) {
                $channels[] = ['channel' => $timeline->getRecord()?->getChannel() ?? '', 'attempts' => $attempts];
            }
        }

        return $channels;
    }

    /**
     * @return list<array{number: int, delivered: string, reason: string}>
     */
    private static function attempts(Timeline $timeline): array
    {
        $attempts = [];
        foreach ($timeline->getAttempts() as $attempt) {
            if ($attempt instanceof Attempt) {
                $attempts[] = [
                    'number' => $attempt->getNumber(),
                    'delivered' => self::time($attempt->getDeliverTimeMs()),
                    'reason' => $attempt->getReason(),
                ];
            }
        }

        return $attempts;
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
