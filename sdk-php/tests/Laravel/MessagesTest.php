<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Events\OrderPaid;
use App\Events\OrderShipped;
use App\Handlers\Decide;
use App\Handlers\WriteOrder;
use App\Jobs\Note;
use App\Jobs\UniqueNote;
use App\Trace;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\DatabaseTransactionsManager;
use Illuminate\Database\Events\QueryExecuted;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Queue;
use Waybill\Client;
use Waybill\Consumer\UnrecoverableException;
use Waybill\Delivery;
use Waybill\Laravel\Facades\Waybill;
use Waybill\Laravel\Queue\WaybillJob;
use Waybill\PublishOptions;
use Waybill\PullOptions;

/** Plain messages, events, the outbox and the inbox. */
final class MessagesTest extends ApplicationTestCase
{
    private string $topic;

    protected function setUp(): void
    {
        parent::setUp();
        $this->topic = "{$this->prefix}orders";
        $this->artisan('migrate', ['--force' => true, '--realpath' => true, '--path' => [\dirname(__DIR__, 2) . '/database/migrations']]);
    }

    public function testMessagesReachTheHandlersOfTheConfig(): void
    {
        $this->configure(['waybill.topics' => [$this->topic => ['handler' => WriteOrder::class, 'channel' => 'shop', 'retries' => 0]]]);
        $this->open($this->topic, 'shop');
        Waybill::publish($this->topic, ['name' => 'book']);
        Waybill::publish($this->topic, '{"name":"pen"}', new PublishOptions(headers: ['from' => 'elsewhere']));
        Waybill::publish($this->topic, ['name' => 'bad']);
        $said = $this->artisan('waybill:consume', ['--stop-when-empty' => true]);

        self::assertSame(2, substr_count($said, 'DONE'));
        self::assertSame(1, substr_count($said, 'FAIL'));
        self::assertEqualsCanonicalizing(
            ["order book from {$this->topic}", "order pen from {$this->topic}", "order bad from {$this->topic}"],
            Trace::lines(),
        );
        self::assertStringContainsString('no such order', $this->log());
        self::assertStringContainsString('no such order', $this->deadReasons('orders')[0]);
    }

    public function testOneProcessTakesTurnsAmongSeveralTopics(): void
    {
        $topics = ["{$this->prefix}a.one" => WriteOrder::class, "{$this->prefix}b.*" => WriteOrder::class];
        $this->configure(['waybill.topics' => $topics]);
        foreach (array_keys($topics) as $topic) {
            $this->open($topic, 'laravel');
        }
        Waybill::publish("{$this->prefix}a.one", ['name' => 'first']);
        Waybill::publish("{$this->prefix}b.two", ['name' => 'second']);
        $this->artisan('waybill:consume', ['--stop-when-empty' => true]);

        self::assertEqualsCanonicalizing(["order first from {$this->prefix}a.one", "order second from {$this->prefix}b.two"], Trace::lines());
    }

    public function testWhatAHandlerDecidesIsNoFaultAndWhatItLeavesInTheApplicationIsGone(): void
    {
        $this->app->scoped(\ArrayObject::class);
        $this->configure(['waybill.topics' => [$this->topic => ['handler' => Decide::class, 'retries' => 3]]]);
        $this->open($this->topic, 'laravel');
        foreach (['done', 'later', 'never'] as $body) {
            Waybill::publish($this->topic, $body);
        }
        $said = $this->artisan('waybill:consume', ['--max-messages' => 4]);

        self::assertEqualsCanonicalizing(['done 1 1', 'later 1 1', 'later 2 1', 'never 1 1'], Trace::lines());
        self::assertSame(1, substr_count($said, 'RETRY'));
        self::assertStringContainsString('not yet <info>', $said);
        self::assertStringNotContainsString('not yet', $this->log());
        self::assertSame(['no use'], $this->deadReasons('orders'));
    }

    public function testAWorkerOfTheQueueDoesWhatSuchAHandlerDecides(): void
    {
        $this->app->scoped(\ArrayObject::class);
        $this->configure(['waybill.topics' => [$this->topic => Decide::class]]);
        foreach (['later', 'never'] as $body) {
            Waybill::publish($this->topic, $body);
        }
        $this->workUntil(fn() => \count(Trace::lines()) >= 3 && $this->deadReasons('orders') !== [], 'orders', tries: 2);

        self::assertEqualsCanonicalizing(['later 1 1', 'later 2 1', 'never 1 1'], Trace::lines());
        self::assertSame([UnrecoverableException::class . ': no use'], $this->deadReasons('orders'));
        self::assertSame(1, DB::table('failed_jobs')->count());
    }

    public function testItTakesNothingWhileTheApplicationIsDownForMaintenance(): void
    {
        $this->configure(['waybill.topics' => [$this->topic => WriteOrder::class]]);
        $this->open($this->topic, 'laravel');
        Waybill::publish($this->topic, ['name' => 'book']);
        $this->app->maintenanceMode()->activate([]);
        try {
            $this->artisan('waybill:consume', ['--max-time' => 1]);
            self::assertSame([], Trace::lines());
            $this->artisan('waybill:consume', ['--max-time' => 20, '--max-messages' => 1, '--force' => true]);
        } finally {
            $this->app->maintenanceMode()->deactivate();
        }

        self::assertSame(["order book from {$this->topic}"], Trace::lines());
    }

    public function testAConsumerEndsWhenWorkersAreToRestart(): void
    {
        $this->configure(['waybill.topics' => [$this->topic => WriteOrder::class, "{$this->topic}.more" => WriteOrder::class]]);
        $restart = function (): void {
            $this->artisan('queue:restart');
        };
        $this->app->make(Dispatcher::class)->listen(QueryExecuted::class, $restart);
        $this->open($this->topic, 'laravel');
        foreach (['book', 'pen'] as $name) {
            Waybill::publish($this->topic, ['name' => $name]);
        }
        $this->artisan('waybill:consume', ['--batch' => 1, '--max-time' => 20]);

        self::assertCount(1, Trace::lines());
    }

    public function testTheInboxMakesAnEffectAndItsRecordOne(): void
    {
        $this->configure(['waybill.topics' => [$this->topic => ['handler' => WriteOrder::class, 'retries' => 1, 'backoff' => 0, 'once' => true]]]);
        $this->open($this->topic, 'laravel');
        Waybill::publish($this->topic, ['name' => 'bad']);
        $id = Waybill::publish($this->topic, ['name' => 'book'])->id;
        $this->artisan('waybill:consume', ['--stop-when-empty' => true]);

        self::assertSame(['book'], DB::table('orders')->pluck('name')->all());
        self::assertSame([$id], DB::table('waybill_inbox')->pluck('id')->all());
    }

    public function testAnEventIsPublishedWhenItIsDispatched(): void
    {
        $this->open($this->topic);
        event(new OrderShipped(7, 'rail', $this->topic));
        $message = $this->take($this->topic)->message;

        self::assertSame(['order' => 7, 'carrier' => 'rail'], $message->json());
        self::assertSame('order-7', $message->key);
        self::assertSame('application/json', $message->header('content-type'));
    }

    public function testAnEventInATransactionGoesThroughTheOutbox(): void
    {
        $this->open($this->topic);
        DB::beginTransaction();
        event(new OrderPaid(1, $this->topic));
        DB::rollBack();
        DB::transaction(fn() => event(new OrderPaid(2, $this->topic)));
        self::assertSame(1, DB::table('waybill_outbox')->count());
        self::assertStringContainsString('1 published', $this->artisan('waybill:relay', ['--stop-when-empty' => true]));

        self::assertSame(['id' => 2, 'state' => 'paid'], $this->take($this->topic)->message->json());
        self::assertSame(0, DB::table('waybill_outbox')->count());
    }

    public function testAJobOfTheOutboxIsAPartOfTheTransaction(): void
    {
        $jobs = fn() => Note::dispatch('from the outbox')->onConnection('transactional');
        DB::beginTransaction();
        $jobs();
        DB::rollBack();
        DB::transaction(static function () use ($jobs): void {
            $jobs();
        });
        self::assertSame(0, $this->queueSize(connection: 'transactional'));
        self::assertSame(1, DB::table('waybill_outbox')->count());
        $this->artisan('waybill:relay', ['--stop-when-empty' => true]);
        $this->workUntilTraced(1, connection: 'transactional');
        self::assertSame(['from the outbox'], Trace::lines());
    }

    public function testAUniqueJobOfARolledBackTransactionKeepsNoOtherOut(): void
    {
        // Laravel tells of rollbacks from 12 on.
        $told = (new \ReflectionClass(DatabaseTransactionsManager::class))->hasMethod('addCallbackForRollback');
        DB::beginTransaction();
        UniqueNote::dispatch('only')->onConnection('transactional');
        DB::rollBack();
        DB::transaction(static function (): void {
            UniqueNote::dispatch('only')->onConnection('transactional');
        });

        self::assertSame($told ? 1 : 0, DB::table('waybill_outbox')->count());
    }

    public function testAServerThatClonesTheApplicationForEveryRequestKeepsItsConnection(): void
    {
        $request = clone $this->app;

        self::assertSame($this->app->make(Client::class), $request->make(Client::class));
    }

    public function testTheRelayRunsUntilItIsTold(): void
    {
        $this->open($this->topic);
        $relay = $this->start('waybill:relay', '--tick=0.05');
        DB::transaction(fn() => Waybill::outbox($this->topic, 'one'));
        self::assertSame('one', $this->take($this->topic)->message->body);
        $relay->signal(\SIGTERM);
        $this->ended($relay);

        self::assertSame(0, $relay->getExitCode(), $relay->getOutput());
        self::assertStringContainsString('1 message', $relay->getOutput());
    }

    public function testPublishAfterCommitFollowsTheTransaction(): void
    {
        $this->open($this->topic);
        DB::beginTransaction();
        Waybill::publishAfterCommit($this->topic, 'undone');
        DB::rollBack();
        DB::transaction(fn() => Waybill::publishAfterCommit($this->topic, 'done'));
        Waybill::publishAfterCommit($this->topic, 'at once');

        $bodies = [$this->take($this->topic)->message->body, $this->take($this->topic)->message->body];
        self::assertEqualsCanonicalizing(['done', 'at once'], $bodies);
    }

    public function testAMessageWithAFieldOfTheNameJobIsNoJobOfLaravels(): void
    {
        $this->configure(['waybill.topics' => [$this->topic => WriteOrder::class]]);
        Waybill::publish($this->topic, ['name' => 'book', 'job' => 'printer', 'data' => null]);
        Waybill::publish($this->topic, ['name' => 'pen', 'job' => 'printer', 'uuid' => 'mine']);
        $this->workUntilTraced(2, 'orders');

        self::assertEqualsCanonicalizing(["order book from {$this->topic}", "order pen from {$this->topic}"], Trace::lines());
        self::assertSame(0, DB::table('failed_jobs')->count());
    }

    public function testMessagesOfOneIdOnTwoTopicsAreTwoFailedJobs(): void
    {
        foreach (['one', 'two'] as $queue) {
            Waybill::publish($this->prefix . $queue, 'what is this?', new PublishOptions('42'));
            $this->workUntil(fn() => $this->deadReasons($queue) !== [], $queue);
        }
        $uuids = DB::table('failed_jobs')->pluck('uuid')->all();

        self::assertCount(2, $uuids);
        self::assertNotSame($uuids[0], $uuids[1]);
        foreach ($uuids as $uuid) {
            self::assertIsString($uuid);
            self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $uuid);
        }
    }

    public function testTheUuidOfAMessageIsTheSameAtEachAttempt(): void
    {
        Waybill::publish($this->topic, 'text', new PublishOptions('42'));
        $queue = Queue::connection('waybill');
        $first = $queue->pop('orders');
        self::assertInstanceOf(WaybillJob::class, $first);
        $first->release();
        $second = $queue->pop('orders');
        self::assertInstanceOf(WaybillJob::class, $second);

        self::assertSame([$first->uuid(), '42', 2], [$second->uuid(), $second->getJobId(), $second->attempts()]);
        $second->delete();
    }

    /** From here on the channel keeps what is published. */
    private function open(string $topic, string $channel = 'test'): void
    {
        $this->admin()->createChannel($topic, $channel);
    }

    private function take(string $topic): Delivery
    {
        $deliveries = Waybill::client()->pull($topic, 'test', new PullOptions(wait: 20));
        self::assertCount(1, $deliveries);
        $deliveries[0]->ack();

        return $deliveries[0];
    }
}
