<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Jobs\Note;
use App\Jobs\Slow;
use App\Trace;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Queue;

/** Workers as processes of their own, which are signalled and killed. */
final class WorkersTest extends ApplicationTestCase
{
    private const JOBS = 1000;

    public function testAWorkerThatIsKilledAmongAThousandJobsLosesNone(): void
    {
        Queue::connection('impatient')->bulk(array_map(static fn(int $at) => new Note("job {$at}", 500), range(1, self::JOBS)));
        $arguments = ['queue:work', 'impatient', '--tries=3', '--sleep=0.1'];
        foreach ([150, 400] as $killedAfter) {
            $worker = $this->start(...$arguments);
            $this->waitUntil(static fn() => \count(Trace::lines()) >= $killedAfter, 120);
            $worker->signal(\SIGKILL);
            $this->ended($worker);
        }
        $this->start(...$arguments);
        $this->start(...$arguments);
        $this->waitUntil(static fn() => \count(array_unique(Trace::lines())) === self::JOBS, 300);
        $this->waitUntil(fn() => $this->queueSize(connection: 'impatient') === 0);

        // What it was at work on when it was killed comes again, and nothing else does.
        self::assertLessThanOrEqual(2, \count(Trace::lines()) - self::JOBS);
        self::assertSame(0, DB::table('failed_jobs')->count());
    }

    public function testAWorkerThatWaitsEndsAtOnceWithSigterm(): void
    {
        $this->configure(['queue.connections.waybill.block_for' => 0.2]);
        Note::dispatch('first');
        $worker = $this->start('queue:work');
        $this->waitUntil(static fn() => Trace::lines() === ['first']);
        $begun = microtime(true);
        $worker->signal(\SIGTERM);
        $this->ended($worker);

        self::assertSame(0, $worker->getExitCode());
        // It waits for 5 s at the gateway.
        self::assertLessThan(4, microtime(true) - $begun);
    }

    public function testAJobThatTakesLongerThanItsTimeoutIsKilledAndFails(): void
    {
        Slow::dispatch('endless', 30, 1, true);
        $worker = $this->start('queue:work', '--sleep=0.1');
        $this->ended($worker);

        self::assertSame(['endless began'], \array_slice(Trace::lines(), 0, 1));
        self::assertNotContains('endless ended', Trace::lines());
        self::assertSame(1, DB::table('failed_jobs')->count());
        self::assertStringContainsString('has timed out', $this->deadReasons()[0]);
    }

    public function testAJobWithATimeoutBeyondRetryAfterKeepsItsLease(): void
    {
        Slow::dispatch('patient', 4, 30)->onConnection('impatient');
        $this->workUntil(static fn() => \in_array('patient ended', Trace::lines(), true), connection: 'impatient');
        self::assertSame(0, $this->queueSize(connection: 'impatient'));

        self::assertSame(['patient began', 'patient ended'], Trace::lines());
    }

    public function testAnAckThatComesTooLateIsReported(): void
    {
        Slow::dispatch('late', 3)->onConnection('impatient');
        $this->workUntil(static fn() => \in_array('late ended', Trace::lines(), true), connection: 'impatient');

        self::assertStringContainsString('StaleReceiptException', $this->log());
    }

    public function testQueueListenWorksJobs(): void
    {
        Note::dispatch('heard');
        $listener = $this->start('queue:listen', '--sleep=0.1');
        $this->waitUntil(static fn() => Trace::lines() === ['heard']);
        $listener->signal(\SIGTERM);
        $this->ended($listener);
        self::assertSame(['heard'], Trace::lines());
    }

    public function testAWorkerRestartsWhenItIsTold(): void
    {
        Note::dispatch('first');
        $worker = $this->start('queue:work', '--sleep=0.1');
        $this->waitUntil(static fn() => Trace::lines() === ['first']);
        // Of a later second than that of its start, which is what it compares.
        sleep(1);
        $this->artisan('queue:restart');
        $this->ended($worker);

        self::assertSame(0, $worker->getExitCode());
    }

    public function testAForkedProcessDialsAnew(): void
    {
        Note::dispatch('parent');
        $child = pcntl_fork();
        if ($child === 0) {
            try {
                Note::dispatch('child');
            } catch (\Throwable $thrown) {
                Trace::write($thrown->getMessage());
            }
            // Without PHPUnit's own end.
            posix_kill((int) getmypid(), \SIGKILL);
        }
        pcntl_waitpid($child, $status);
        Note::dispatch('parent again');
        $this->workUntilTraced(3);

        $lines = Trace::lines();
        sort($lines);
        self::assertSame(['child', 'parent', 'parent again'], $lines);
    }
}
