<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Symfony\Component\Console\Helper\ProgressBar;
use Waybill\Admin\Admin;
use Waybill\Admin\Affected;
use Waybill\Admin\DeadQuery;
use Waybill\Rpc\Convert;

final class RetryCommand extends GatewayCommand
{
    /** Given back in parts, so that no call takes long, and progress can be told. A query takes as many ids. */
    private const PART = 1000;
    private const MOST = 1_000_000;

    /** Seconds, for a call that cannot be made in parts. */
    private const LONG = 600;

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
        $refusal = $this->refusal($ids);
        if ($refusal !== null) {
            $this->components->error($refusal);

            return self::FAILURE;
        }
        $admin = $this->client()->admin();
        $queries = array_map(fn(array $part) => $this->deadByNow($admin, $part), $ids === [] ? [[]] : array_chunk($ids, self::PART));
        $found = array_map(static fn(DeadQuery $query) => $admin->redrive($query, self::MOST, dryRun: true), $queries);
        $count = array_sum(array_map(static fn(Affected $affected) => $affected->count, $found));
        $counted = array_filter($found, static fn(Affected $affected) => !$affected->complete) === [];
        if ($this->option('dry-run') === true) {
            $this->components->info(($counted ? '' : 'At least ') . self::words($count) . ' would be given back.');

            return self::SUCCESS;
        }
        $given = $this->giveBack($admin, $queries, $found, $count);
        $this->components->info(self::words($given) . ' given back.');
        if (!$counted || $given < $count) {
            $this->components->warn('There may be more: run it again.');
        }

        return self::SUCCESS;
    }

    /**
     * @param list<string> $ids
     */
    private function refusal(array $ids): ?string
    {
        return match (true) {
            $ids === [] && $this->option('all') !== true => 'Name dead letters, or say --all.',
            $ids !== [] && $this->given('topic') === null => 'Ids are looked up on a topic: say --topic.',
            $this->whole('rate') !== null && \count($ids) > self::PART => \sprintf('--rate takes up to %d ids; more are chosen by --all.', self::PART),
            default => null,
        };
    }

    /**
     * @param list<DeadQuery> $queries
     * @param list<Affected> $found by each
     * @param int $count of all
     */
    private function giveBack(Admin $admin, array $queries, array $found, int $count): int
    {
        $bar = $count > self::PART && $this->whole('rate') === null ? $this->output->createProgressBar($count) : null;
        $bar?->start();
        $given = 0;
        try {
            foreach ($queries as $at => $query) {
                $given += $this->redrive($admin, $query, $found[$at]->count, $bar);
            }
        } finally {
            if ($bar !== null) {
                $this->newLine();
            }
        }

        return $given;
    }

    /** No more than were counted: what dies again meanwhile is left alone. */
    private function redrive(Admin $admin, DeadQuery $query, int $count, ?ProgressBar $bar): int
    {
        $rate = $this->whole('rate');
        if ($rate !== null) {
            // The gateway counts the rate from the start of a call, so there must be one only.
            return $count === 0 ? 0 : $admin->redrive($query, $count, $rate, deadline: self::LONG)->count;
        }
        $given = 0;
        while ($given < $count) {
            $affected = $admin->redrive($query, min(self::PART, $count - $given));
            $given += $affected->count;
            $bar?->advance($affected->count);
            if ($affected->complete || $affected->count === 0) {
                break;
            }
        }

        return $given;
    }

    /**
     * A call begins with the last to die, so of what dies again meanwhile nothing must be chosen, or the older ones would not have their
     * turn. When it is now is for the bus to say: that is when the last of these died.
     *
     * @param list<string> $ids
     */
    private function deadByNow(Admin $admin, array $ids): DeadQuery
    {
        foreach ($admin->dead($this->query($ids)) as $last) {
            return $this->query($ids, Convert::time((int) $last->getDeadTimeMs() + 1));
        }

        return $this->query($ids);
    }

    /**
     * @param list<string> $ids
     */
    private function query(array $ids, ?\DateTimeImmutable $before = null): DeadQuery
    {
        return new DeadQuery(
            $this->given('topic') ?? '',
            $this->given('channel') ?? '',
            $ids,
            before: $before,
            reasonContains: $this->given('reason') ?? '',
        );
    }

    private static function words(int $count): string
    {
        return $count === 1 ? '1 dead letter' : "{$count} dead letters";
    }
}
