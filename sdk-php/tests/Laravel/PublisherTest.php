<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Jobs\Note;
use App\Trace;
use Waybill\Laravel\Facades\Waybill;
use Waybill\Laravel\Queue\JobPublisher;
use Waybill\PublishItem;

/** What is dispatched inside a pipeline, and must not wait for its end. */
final class PublisherTest extends ApplicationTestCase
{
    public function testWhatIsPublishedApartDoesNotWaitForTheEndOfAPipeline(): void
    {
        $jobs = new JobPublisher();
        $publish = fn(string $body) => $jobs->publish(Waybill::client(), new PublishItem("{$this->prefix}default", $body));
        $answer = $jobs->together(function () use ($jobs, $publish): string {
            $publish('one');
            $answer = $jobs->apart(function () use ($jobs, $publish): string {
                $publish('apart');
                self::assertSame(1, $this->queueSize(), 'it is published at once');
                // As the jobs of a batch are.
                $jobs->together(static fn() => [$publish('apart together'), $publish('apart together too')]);
                self::assertSame(3, $this->queueSize(), 'and nothing of the pipeline around it');

                return 'what it returns';
            });
            $publish('two');
            self::assertSame(3, $this->queueSize(), 'the pipeline goes on');

            return $answer;
        });

        self::assertSame('what it returns', $answer);
        self::assertSame(5, $this->queueSize());
    }

    public function testAPipelineGoesOnAfterWhatThrowsApart(): void
    {
        $jobs = new JobPublisher();
        $publish = fn(string $body) => $jobs->publish(Waybill::client(), new PublishItem("{$this->prefix}default", $body));
        $jobs->together(function () use ($jobs, $publish): void {
            $publish('one');
            try {
                $jobs->apart(static fn() => throw new \RuntimeException('not this one'));
            } catch (\RuntimeException) {
            }
            $publish('two');
            self::assertSame(0, $this->queueSize());
        });

        self::assertSame(2, $this->queueSize());
    }

    public function testAProcessForkedInsideAPipelinePublishesAtOnce(): void
    {
        Waybill::pipeline(function (): void {
            // Enough for a batch to be on its way.
            foreach (range(1, 300) as $at) {
                Note::dispatch("parent {$at}");
            }
            $child = pcntl_fork();
            if ($child === 0) {
                try {
                    Waybill::pipeline(static fn() => Note::dispatch('child together'));
                    Note::dispatch('child');
                } catch (\Throwable $thrown) {
                    Trace::write($thrown->getMessage());
                }
                self::end();
            }
            pcntl_waitpid($child, $status);
        });
        self::assertSame(302, $this->queueSize());
        $this->workUntilTraced(302);

        self::assertCount(302, array_unique(Trace::lines()));
        self::assertContains('child', Trace::lines());
        self::assertContains('child together', Trace::lines());
    }

    public function testAProcessForkedInsideAPipelineFlushesNothingOfItsParent(): void
    {
        $parent = getmypid();
        try {
            Waybill::pipeline(function (): void {
                Note::dispatch('of the parent');
                $child = pcntl_fork();
                if ($child !== 0) {
                    pcntl_waitpid($child, $status);
                    self::assertSame(0, $this->queueSize(), 'the child has left the pipeline');
                }
            });
        } finally {
            if (getmypid() !== $parent) {
                self::end();
            }
        }

        self::assertSame(1, $this->queueSize());
    }

    /** Ends a forked process, without PHPUnit's own end. */
    private static function end(): void
    {
        posix_kill((int) getmypid(), \SIGKILL);
    }
}
