<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Handlers\WriteOrder;
use App\Jobs\Flaky;
use App\Jobs\Note;
use App\Jobs\SecretNote;
use App\Jobs\Slow;
use App\Jobs\Stubborn;
use App\Jobs\UniqueNote;
use App\Trace;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Queue;
use Waybill\Delivery;
use Waybill\Exception\PublishManyException;
use Waybill\Exception\WaybillException;
use Waybill\Laravel\Facades\Waybill;
use Waybill\Laravel\Queue\WaybillJob;
use Waybill\Laravel\Queue\WaybillQueue;
use Waybill\Published;
use Waybill\PullOptions;

final class JobsTest extends ApplicationTestCase
{
    public function testAJobThatWasDispatchedIsWorkedOnceAndIsGone(): void
    {
        Note::dispatch('hello');
        $this->workUntilTraced(1);

        self::assertSame(['hello'], Trace::lines());
        self::assertSame(0, $this->queueSize());
    }

    public function testAJobThatThrowsIsTriedAgainAfterItsBackoff(): void
    {
        Flaky::dispatch('flaky', 3, 3, [1, 2]);
        $this->workUntilTraced(3);

        $times = [];
        foreach (Trace::lines() as $at => $line) {
            self::assertStringStartsWith('flaky attempt ' . ($at + 1) . ' at ', $line);
            $times[] = (int) substr($line, \strlen('flaky attempt 1 at '));
        }
        self::assertGreaterThanOrEqual(1000, $times[1] - $times[0]);
        self::assertGreaterThanOrEqual(2000, $times[2] - $times[1]);
        self::assertSame(0, $this->queueSize());
        self::assertSame([], $this->deadReasons());
    }

    public function testAJobWhoseTriesAreUsedUpIsAFailedJobAndADeadLetter(): void
    {
        Flaky::dispatch('doomed', 9, 2, [0]);
        $this->workUntil(fn() => $this->deadReasons() !== []);

        self::assertSame('doomed failed: attempt 2 of doomed failed', Trace::lines()[2]);
        self::assertCount(3, Trace::lines());
        self::assertSame(['RuntimeException: attempt 2 of doomed failed'], $this->deadReasons());
        self::assertSame(1, DB::table('failed_jobs')->where('queue', 'default')->where('exception', 'like', '%attempt 2 of doomed failed%')->count());
        self::assertSame(0, $this->queueSize());
    }

    public function testWhatItsFailedMethodThrowsDoesNotKeepAJobOutOfTheDeadLetters(): void
    {
        Flaky::dispatch('doomed', 9, 1, [0], true);
        $this->workUntil(fn() => $this->deadReasons() !== []);

        self::assertSame(1, DB::table('failed_jobs')->count());
        self::assertStringContainsString('failed() failed too', $this->log());
    }

    public function testAFailedJobIsWorkedAgainByQueueRetry(): void
    {
        Flaky::dispatch('second-chance', 2, 1);
        $this->workUntil(static fn() => DB::table('failed_jobs')->count() === 1);
        $this->artisan('queue:retry', ['id' => ['all']]);
        // It begins anew: its first attempt fails as it did before.
        $this->workUntil(static fn() => \count(Trace::lines()) >= 4);

        self::assertStringStartsWith('second-chance attempt 1 ', Trace::lines()[2]);
        self::assertSame(1, DB::table('failed_jobs')->count());
    }

    public function testAJobThatFailsAgainAfterItWasGivenBackIsKeptAgain(): void
    {
        Flaky::dispatch('hopeless', 9, 1);
        $this->workUntil(fn() => $this->deadReasons() !== []);
        $this->artisan('waybill:retry', ['--all' => true, '--topic' => "{$this->prefix}default"]);
        self::assertCount(0, $this->deadReasons());
        $this->workUntil(fn() => \count($this->deadReasons()) > 0);

        self::assertSame(1, DB::table('failed_jobs')->count());
        self::assertCount(4, Trace::lines());
        self::assertSame(0, $this->queueSize());
    }

    public function testAJobMayHaveATimeoutOfMoreThanALeaseCanBe(): void
    {
        Slow::dispatch('unhurried', 0, 100_000);
        $this->workUntilTraced(2);

        self::assertSame(['unhurried began', 'unhurried ended'], Trace::lines());
    }

    public function testAWorkerOfSeveralQueuesDoesNotWaitAtOneWhileAnotherHasWork(): void
    {
        $this->configure(['queue.connections.waybill.block_for' => 60]);
        Note::dispatch('first')->onQueue('high');
        Note::dispatch('second')->onQueue('low');
        Note::dispatch('third')->onQueue('low');
        $this->workUntil(static fn() => \count(Trace::lines()) >= 3, 'high,low', seconds: 15);

        self::assertSame('first', Trace::lines()[0]);
    }

    public function testADelayedJobIsNotWorkedBeforeItsTime(): void
    {
        $begun = microtime(true);
        Note::dispatch('later')->delay(2);
        Note::dispatch('sooner');
        self::assertSame(2, $this->queueSize());
        $this->workUntilTraced(2);

        self::assertSame(['sooner', 'later'], Trace::lines());
        self::assertGreaterThanOrEqual(2, microtime(true) - $begun);
    }

    public function testTheJobsOfAChainAreWorkedOneAfterTheOther(): void
    {
        Bus::chain([new Note('one'), new Note('two'), new Note('three')])->dispatch();
        $this->workUntilTraced(3);

        self::assertSame(['one', 'two', 'three'], Trace::lines());
    }

    public function testABatchIsFinishedWhenAllItsJobsAre(): void
    {
        $jobs = array_map(static fn(int $at) => new Note("part {$at}"), range(1, 20));
        $batch = Bus::batch($jobs)->finally(static fn() => Trace::write('finished'))->dispatch();
        $this->workUntil(static fn() => $batch->fresh()?->finished() === true);

        self::assertSame(20, $batch->fresh()?->processedJobs());
        self::assertCount(21, Trace::lines());
        self::assertSame('finished', Trace::lines()[20]);
    }

    public function testAUniqueJobIsQueuedOnceUntilItIsDone(): void
    {
        UniqueNote::dispatch('only');
        UniqueNote::dispatch('only');
        self::assertSame(1, $this->queueSize());
        $this->workUntilTraced(1);
        UniqueNote::dispatch('only');
        $this->workUntilTraced(2);

        self::assertSame(['only', 'only'], Trace::lines());
    }

    public function testAJobOfATransactionThatIsRolledBackIsNeverDispatched(): void
    {
        DB::beginTransaction();
        Note::dispatch('undone')->onConnection('committed');
        self::assertSame(0, $this->queueSize(connection: 'committed'));
        DB::rollBack();
        DB::transaction(static function (): void {
            Note::dispatch('done')->onConnection('committed');
        });
        $this->workUntilTraced(1, connection: 'committed');

        self::assertSame(['done'], Trace::lines());
        self::assertSame(0, $this->queueSize(connection: 'committed'));
    }

    public function testAnEncryptedJobShowsNothingOnTheBus(): void
    {
        self::assertNull(Queue::connection('waybill')->pop());
        // A second channel of the topic gets a copy of its own.
        Waybill::client()->pull("{$this->prefix}default", 'onlooker', new PullOptions(wait: 0));
        SecretNote::dispatch('a secret');
        $seen = Waybill::client()->pull("{$this->prefix}default", 'onlooker');
        self::assertCount(1, $seen);
        self::assertStringNotContainsString('a secret', $seen[0]->message->body);
        $this->workUntilTraced(1);

        self::assertSame(['a secret'], Trace::lines());
    }

    public function testAWorkerTakesFromTheFirstQueueFirst(): void
    {
        foreach (range(1, 5) as $at) {
            Note::dispatch("low {$at}")->onQueue('low');
            Note::dispatch("high {$at}")->onQueue('high');
        }
        // So that both channels are there.
        $this->workUntilTraced(10, 'high,low');
        $first = \array_slice(Trace::lines(), 0, 5);

        self::assertGreaterThanOrEqual(4, \count(array_filter($first, static fn(string $line) => str_starts_with($line, 'high'))));
    }

    public function testManyJobsArePushedInBulk(): void
    {
        Queue::bulk([...array_map(static fn(int $at) => new Note("bulk {$at}"), range(1, 300)), (new Note('delayed'))->delay(1)]);
        self::assertSame(301, $this->queueSize());
        $this->workUntilTraced(301);

        self::assertCount(301, array_unique(Trace::lines()));
    }

    public function testJobsOfAPipelineArePublishedTogether(): void
    {
        $answer = Waybill::pipeline(function (): string {
            Waybill::pipeline(static function (): void {
                Note::dispatch('inner');
            });
            self::assertSame(1, $this->queueSize(), 'the inner pipeline returned, so what it dispatched is durable');
            foreach (range(1, 249) as $at) {
                Note::dispatch("pipelined {$at}");
            }
            Note::dispatch('of another connection')->onConnection('impatient');
            self::assertSame(1, $this->queueSize(), 'no batch is full');
            foreach (range(250, 1000) as $at) {
                Note::dispatch("pipelined {$at}");
            }
            Note::dispatch('late')->delay(1);

            return 'what it returns';
        });

        self::assertSame('what it returns', $answer);
        self::assertSame(1003, $this->queueSize());
        $this->workUntilTraced(1003);
        self::assertCount(1003, array_unique(Trace::lines()));
    }

    public function testWhatAPipelineDispatchedBeforeItThrewIsPublished(): void
    {
        $thrown = new \RuntimeException('not this one');
        try {
            Waybill::pipeline(static function () use ($thrown): void {
                Note::dispatch('before');
                self::fails($thrown);
            });
            self::fail('nothing was thrown');
        } catch (\RuntimeException $exception) {
            self::assertSame($thrown, $exception);
        }
        self::assertSame(1, $this->queueSize());
        Note::dispatch('after');
        self::assertSame(2, $this->queueSize(), 'the pipeline is over');
    }

    public function testAPipelineSaysWhatWasNotAccepted(): void
    {
        $thrown = new \RuntimeException('its own');
        try {
            Waybill::pipeline(static function () use ($thrown): void {
                Note::dispatch('small');
                Note::dispatch('astray')->onQueue('no name');
                self::fails($thrown);
            });
            self::fail('nothing was thrown');
        } catch (PublishManyException $exception) {
            self::assertInstanceOf(Published::class, $exception->results[0]);
            self::assertSame('TOPIC_INVALID', $exception->results[1] instanceof WaybillException ? $exception->results[1]->reason : null);
            self::assertContains($thrown, self::chain($exception));
        }
        self::assertSame(1, $this->queueSize());
    }

    public function testATransactionInAPipelinePublishesWhenItCommits(): void
    {
        Waybill::pipeline(static function (): void {
            DB::transaction(static function (): void {
                Note::dispatch('done')->onConnection('committed');
            });
            DB::beginTransaction();
            Note::dispatch('undone')->onConnection('committed');
            DB::rollBack();
        });

        self::assertSame(1, $this->queueSize(connection: 'committed'));
    }

    public function testClearEndsWhatWaitsAndSaysHowMuchThatWas(): void
    {
        foreach (range(1, 3) as $at) {
            Note::dispatch("cleared {$at}");
        }
        Note::dispatch('cleared later')->delay(60);
        $queue = Queue::connection('waybill');
        self::assertSame([3, 1, 0], [$queue->pendingSize(), $queue->delayedSize(), $queue->reservedSize()]);
        self::assertStringContainsString('Cleared 4 jobs', $this->artisan('queue:clear', ['connection' => 'waybill', '--force' => true]));
        self::assertSame(0, $this->queueSize());
        Note::dispatch('kept');
        $this->workUntilTraced(1);

        self::assertSame(['kept'], Trace::lines());
    }

    public function testAQueueIsMonitored(): void
    {
        Note::dispatch('one');
        self::assertStringContainsString('[1]', $this->artisan('queue:monitor', ['queues' => 'waybill:default']));
    }

    public function testAJobThatIsReleasedAgainAndAgainLivesUntilItsTime(): void
    {
        Stubborn::dispatch('stubborn', time() + 60, 15);
        $this->workUntilTraced(16);

        self::assertSame('stubborn attempt 16', Trace::lines()[15]);
        self::assertSame([], $this->deadReasons());
    }

    public function testAJobThatWasReleasedAThousandTimesGoesOnAsAnotherMessage(): void
    {
        Note::dispatch('old');
        $queue = Queue::connection('waybill');
        \assert($queue instanceof WaybillQueue);
        $job = $queue->pop();
        self::assertInstanceOf(WaybillJob::class, $job);
        $delivery = $job->delivery();
        $aged = new Delivery($delivery->message, $delivery->receipt, 1000, $delivery->leaseDeadline, Waybill::client());
        (new WaybillJob($this->app, $queue, $aged, 'waybill', 'default'))->release();
        $next = $queue->pop();
        self::assertInstanceOf(WaybillJob::class, $next);

        self::assertSame([1001, $job->getRawBody()], [$next->attempts(), $next->getRawBody()]);
        $next->delete();
        self::assertSame(0, $this->queueSize());
    }

    public function testAMessageOfAnotherLanguageIsWorkedByItsTopicsHandler(): void
    {
        $this->configure(['waybill.topics' => ["{$this->prefix}orders" => WriteOrder::class]]);
        Waybill::publish("{$this->prefix}orders", ['name' => 'book']);
        $this->workUntilTraced(1, 'orders');

        self::assertSame(["order book from {$this->prefix}orders"], Trace::lines());
        self::assertSame(0, $this->queueSize('orders'));
    }

    public function testAMessageThatNobodyUnderstandsIsADeadLetter(): void
    {
        Waybill::publish("{$this->prefix}default", 'what is this?');
        $this->workUntil(fn() => $this->deadReasons() !== []);

        self::assertStringContainsString("has no handler for {$this->prefix}default", $this->deadReasons()[0]);
        self::assertSame(1, DB::table('failed_jobs')->count());
    }

    public function testAFailedMessageOfAnotherLanguageIsWorkedAgainByQueueRetry(): void
    {
        Waybill::publish("{$this->prefix}orders", ['name' => 'book']);
        $this->workUntil(fn() => $this->deadReasons('orders') !== [], 'orders');
        $this->configure(['waybill.topics' => ["{$this->prefix}orders" => WriteOrder::class]]);
        $this->artisan('queue:retry', ['id' => ['all']]);
        $this->workUntilTraced(1, 'orders');

        self::assertSame(["order book from {$this->prefix}orders"], Trace::lines());
    }

    private static function fails(\Throwable $thrown): void
    {
        throw $thrown;
    }

    /**
     * @return list<\Throwable> what was thrown, and what that was thrown because of, or instead of
     */
    private static function chain(\Throwable $thrown): array
    {
        for ($chain = []; $thrown !== null; $thrown = $thrown->getPrevious()) {
            $chain[] = $thrown;
        }

        return $chain;
    }
}
