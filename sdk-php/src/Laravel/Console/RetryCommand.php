<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Waybill\Admin\DeadQuery;

final class RetryCommand extends GatewayCommand
{
    /** Given back in parts, so that no call takes long; ids are looked up in these too. */
    private const PART = 1000;
    private const MOST = 1_000_000;

    protected $signature = 'waybill:retry
        {id?* : The dead letters; needs --topic}
        {--all : All that the other options choose}
        {--topic= : Only of this topic}
        {--channel= : Only of channels of this name}
        {--reason= : Only with this text in the reason}
        {--rate= : The most a second that are delivered again}
        {--dry-run : Only count}';

    protected $description = 'Give dead letters back to the channel on which they died';

    protected function work(): int
    {
        $ids = $this->many('id');
        if ($ids === [] && $this->option('all') !== true) {
            $this->components->error('Name dead letters, or say --all.');

            return self::FAILURE;
        }
        if ($ids !== [] && $this->given('topic') === null) {
            $this->components->error('Ids are looked up on a topic: say --topic.');

            return self::FAILURE;
        }
        $count = 0;
        foreach ($ids === [] ? [[]] : array_chunk($ids, self::PART) as $part) {
            $count += $this->redrive($this->query($part));
        }
        $words = $count === 1 ? '1 dead letter' : "{$count} dead letters";
        $this->components->info($this->option('dry-run') === true ? "{$words} would be given back." : "{$words} given back.");

        return self::SUCCESS;
    }

    private function redrive(DeadQuery $query): int
    {
        $admin = $this->client()->admin();
        if ($this->option('dry-run') === true) {
            return $admin->redrive($query, self::MOST, dryRun: true)->count;
        }
        $count = 0;
        do {
            $affected = $admin->redrive($query, self::PART, $this->whole('rate') ?? 0);
            $count += $affected->count;
        } while (!$affected->complete && $affected->count > 0);

        return $count;
    }

    /**
     * @param list<string> $ids
     */
    private function query(array $ids): DeadQuery
    {
        return new DeadQuery(
            $this->given('topic') ?? '',
            $this->given('channel') ?? '',
            $ids,
            reasonContains: $this->given('reason') ?? '',
        );
    }
}
