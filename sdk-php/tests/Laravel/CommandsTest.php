<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Jobs\Flaky;
use App\Jobs\Note;
use App\Trace;
use Google\Protobuf\Internal\Message;
use Waybill\Client;
use Waybill\Delivery;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Facades\Waybill;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\PullOptions;
use Waybill\Transport\Call;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;
use Waybill\Transport\Transports;
use Waybill\V1\RedriveRequest;
use Waybill\V1\RedriveResponse;
use Waybill\V1\Scheduled;

final class CommandsTest extends ApplicationTestCase
{
    public function testPublishPublishes(): void
    {
        $topic = "{$this->prefix}news";
        $this->admin()->createChannel($topic, 'readers');
        $said = $this->artisan('waybill:publish', ['topic' => $topic, 'payload' => 'extra', '--key' => 'k', '--header' => ['lang=en']]);
        $message = Waybill::client()->pull($topic, 'readers')[0]->message;

        self::assertStringContainsString('ACCEPTED', $said);
        self::assertSame(['extra', 'k', 'en'], [$message->body, $message->key, $message->header('lang')]);
    }

    public function testTopicsListsChannelsAndWhatWaitsInThem(): void
    {
        $this->admin()->createChannel("{$this->prefix}news", 'readers');
        Waybill::publish("{$this->prefix}news", 'one');
        Waybill::publish("{$this->prefix}parked", 'two');
        $rows = json_decode($this->artisan('waybill:topics', ['prefix' => $this->prefix, '--json' => true]), true);
        $none = ['reserved' => 0, 'retry' => 0, 'dead' => 0, 'consumers' => 0];

        self::assertEqualsCanonicalizing([
            ['topic' => "{$this->prefix}news", 'channel' => 'readers', 'ready' => 1, ...$none, 'state' => ''],
            ['topic' => "{$this->prefix}parked", 'channel' => '', 'ready' => 1, ...$none, 'state' => 'parked'],
        ], $rows);
        self::assertStringContainsString('| Topic', $this->artisan('waybill:topics', ['prefix' => $this->prefix]));
    }

    public function testDeadLettersAreListedAndGivenBack(): void
    {
        Flaky::dispatch('doomed', 9, 1);
        $this->workUntil(fn() => $this->deadReasons() !== []);
        $topic = "{$this->prefix}default";
        $dead = json_decode($this->artisan('waybill:dead', ['topic' => $topic, '--json' => true]), true);
        self::assertIsArray($dead);
        self::assertCount(1, $dead);
        self::assertIsArray($dead[0]);
        self::assertIsString($dead[0]['id']);
        self::assertStringContainsString('attempt 1 of doomed failed', $this->artisan('waybill:dead', ['topic' => $topic]));
        self::assertStringContainsString('doomed', $this->artisan('waybill:dead', ['topic' => $topic, '--id' => $dead[0]['id']]));
        self::assertStringContainsString('1 dead letter would', $this->artisan('waybill:retry', ['--all' => true, '--topic' => $topic, '--dry-run' => true]));
        self::assertStringContainsString('1 dead letter given', $this->artisan('waybill:retry', ['id' => [$dead[0]['id']], '--topic' => $topic]));
        self::assertSame([], $this->deadReasons());
        $this->workUntil(static fn() => \count(Trace::lines()) >= 4);

        self::assertStringStartsWith('doomed attempt 1 ', Trace::lines()[2]);
    }

    public function testRetryWithoutAChoiceGivesNothingBack(): void
    {
        self::assertStringContainsString('--all', $this->artisan('waybill:retry', status: 1));
    }

    public function testWhatWaitsForItsTimeIsListedRunAndWithdrawn(): void
    {
        Note::dispatch('sooner')->delay(600);
        $id = Waybill::publish("{$this->prefix}default", 'never', new PublishOptions(delay: 900))->id;
        $topic = "{$this->prefix}default";
        $rows = json_decode($this->artisan('waybill:schedule', ['topic' => $topic, '--json' => true]), true);
        self::assertIsArray($rows);
        self::assertSame([$topic, $topic], array_column($rows, 'topic'));
        self::assertSame(['delayed', 'delayed'], array_column($rows, 'state'));
        $this->artisan('waybill:schedule', ['topic' => $topic, '--cancel' => $id]);
        $this->artisan('waybill:schedule', ['topic' => $topic, '--cancel' => $id], 1);
        $this->artisan('waybill:schedule', ['topic' => $topic, '--run' => array_column($rows, 'id')[0]]);
        $this->workUntilTraced(1);

        self::assertSame(['sooner'], Trace::lines());
        self::assertStringContainsString('Nothing waits', $this->artisan('waybill:schedule', ['topic' => $topic]));
    }

    public function testDoctorFindsTheGateway(): void
    {
        $said = $this->artisan('waybill:doctor');

        self::assertStringContainsString('gateway ' . getenv('WAYBILL_URL'), $said);
        self::assertStringNotContainsString('FAIL', $said);
    }

    public function testDoctorSaysWhatIsWrong(): void
    {
        $this->configure(['waybill.url' => '127.0.0.1:1', 'waybill.deadline' => 0.5]);

        self::assertStringContainsString('FAIL', $this->artisan('waybill:doctor', status: 1));
    }

    public function testTheConfigAndTheMigrationsArePublished(): void
    {
        $this->app->useConfigPath("{$this->folder}/config");
        $this->app->useDatabasePath("{$this->folder}/database");
        // They were registered with the paths of the application.
        (new \Waybill\Laravel\WaybillServiceProvider($this->app))->boot();
        $this->artisan('vendor:publish', ['--tag' => ['waybill-config', 'waybill-migrations']]);

        self::assertFileExists("{$this->folder}/config/waybill.php");
        self::assertFileExists("{$this->folder}/database/migrations/2026_01_01_000000_create_waybill_tables.php");
    }

    public function testWhatDiesAgainWhileDeadLettersAreGivenBackIsLeftAlone(): void
    {
        $topic = "{$this->prefix}news";
        $this->makeDead($topic, 1500);
        $again = [];
        $this->afterCalls('/waybill.v1.Admin/Redrive', function (Call $call, Reply $reply) use ($topic, &$again): void {
            $asked = self::read($call->request, new RedriveRequest());
            $count = (int) self::read($reply->body, new RedriveResponse())->getCount();
            // One that goes on for ever would go on as long as they die.
            if (!$asked->getDryRun() && \count($again) < 6000) {
                array_push($again, ...$this->reject($topic, $count));
            }
        });
        $said = $this->artisan('waybill:retry', ['--all' => true, '--topic' => $topic]);

        self::assertStringContainsString('1500 dead letters given back.', $said);
        self::assertStringContainsString('1000/1500', $said);
        self::assertCount(1500, $again);
        self::assertCount(1500, array_unique($again));
    }

    public function testARateIsKeptWithMoreLettersThanOnePart(): void
    {
        $topic = "{$this->prefix}news";
        $this->makeDead($topic, 1200);
        $deadlines = [];
        $this->afterCalls('/waybill.v1.Admin/Redrive', static function (Call $call) use (&$deadlines): void {
            $deadlines[] = $call->deadline;
        });
        $began = microtime(true) * 1000;
        $said = $this->artisan('waybill:retry', ['--all' => true, '--topic' => $topic, '--rate' => '100']);
        $due = array_map(static fn(Scheduled $one) => (int) $one->getDueTimeMs() - $began, iterator_to_array($this->admin()->schedule($topic), false));

        self::assertStringContainsString('1200 dead letters given back.', $said);
        self::assertGreaterThan(11_000, max([0, ...$due]));
        self::assertCount(2, $deadlines, 'one call counts, one gives back');
        self::assertGreaterThan(500, $deadlines[1] - $deadlines[0], 'which has time for all of them');
        self::assertStringContainsString('--rate takes', $this->artisan('waybill:retry', ['id' => array_map(strval(...), range(1, 1001)), '--topic' => $topic, '--rate' => 100], 1));
    }

    public function testWhatOthersWroteIsPrintedAsItIs(): void
    {
        $topic = "{$this->prefix}news";
        $id = '<info>1</info>';
        $body = '<comment>{"path":"C:\\\\<x>"}</comment>';
        $reason = 'no <info>such</info> \\<order>';
        $this->admin()->createChannel($topic, 'readers');
        Waybill::publish($topic, $body, new PublishOptions($id));
        Waybill::client()->pull($topic, 'readers')[0]->reject($reason);
        Waybill::publish($topic, 'later', new PublishOptions("{$id}2", delay: 600));
        $dead = json_decode($this->artisan('waybill:dead', ['topic' => $topic, '--json' => true]), true);
        $waiting = json_decode($this->artisan('waybill:schedule', ['topic' => $topic, '--json' => true]), true);
        $shown = $this->artisan('waybill:dead', ['topic' => $topic, '--id' => $id]);
        $listed = $this->artisan('waybill:dead', ['topic' => $topic]);

        self::assertIsArray($dead);
        self::assertSame([[$id], [$reason]], [array_column($dead, 'id'), array_column($dead, 'reason')]);
        self::assertIsArray($waiting);
        self::assertSame(["{$id}2"], array_column($waiting, 'id'));
        foreach ([$id, $reason, $body] as $text) {
            self::assertStringContainsString($text, $shown);
        }
        self::assertStringContainsString($id, $listed);
        self::assertStringContainsString($reason, $listed);
        self::assertStringContainsString("{$id}2", $this->artisan('waybill:schedule', ['topic' => $topic]));
        self::assertStringContainsString("{$id}2 is withdrawn", $this->artisan('waybill:schedule', ['topic' => $topic, '--cancel' => "{$id}2"]));
        self::assertStringContainsString("{$id}3", $this->artisan('waybill:dead', ['topic' => $topic, '--id' => "{$id}3"], 1));
    }

    public function testADeadLetterIsShownToPrograms(): void
    {
        $topic = "{$this->prefix}news";
        foreach (['text' => 'a <b>', 'bytes' => "\xFF\0"] as $id => $body) {
            $this->admin()->createChannel($topic, 'readers');
            Waybill::publish($topic, $body, new PublishOptions($id));
            Waybill::client()->pull($topic, 'readers')[0]->reject('no such order');
        }
        $text = json_decode($this->artisan('waybill:dead', ['topic' => $topic, '--id' => 'text', '--json' => true]), true);
        $bytes = json_decode($this->artisan('waybill:dead', ['topic' => $topic, '--id' => 'bytes', '--json' => true]), true);

        self::assertIsArray($text);
        self::assertSame(['text', $topic, 'a <b>', false], [$text['id'], $text['topic'], $text['body'], $text['base64']]);
        self::assertIsArray($text['channels']);
        self::assertIsArray($text['channels'][0]);
        self::assertSame('readers', $text['channels'][0]['channel']);
        self::assertIsArray($text['channels'][0]['attempts']);
        self::assertSame([1], array_column($text['channels'][0]['attempts'], 'number'));
        self::assertSame(['no such order'], array_column($text['channels'][0]['attempts'], 'reason'));
        self::assertIsArray($bytes);
        self::assertSame([base64_encode("\xFF\0"), true], [$bytes['body'], $bytes['base64']]);
    }

    /** So many messages die on the topic's channel `readers`. */
    private function makeDead(string $topic, int $count): void
    {
        $this->admin()->createChannel($topic, 'readers');
        Waybill::publishMany(array_map(static fn(int $at) => new PublishItem($topic, "message {$at}"), range(1, $count)));
        $this->reject($topic, $count);
    }

    /**
     * @return list<string> the ids of as many messages, which are dead now
     */
    private function reject(string $topic, int $count): array
    {
        $client = $this->app->make(Clients::class)->worker();
        $ids = [];
        while (\count($ids) < $count) {
            $deliveries = $client->pull($topic, 'readers', new PullOptions(min(1000, $count - \count($ids)), wait: 10));
            self::assertNotSame([], $deliveries);
            $client->reject(array_map(static fn(Delivery $delivery) => $delivery->receipt, $deliveries));
            array_push($ids, ...array_map(static fn(Delivery $delivery) => $delivery->message->id, $deliveries));
        }

        return $ids;
    }

    /**
     * From here on this is called after each call of a method that commands make.
     *
     * @param \Closure(Call, Reply): void $after
     */
    private function afterCalls(string $method, \Closure $after): void
    {
        $clients = $this->app->make(Clients::class);
        $options = $clients->options();
        $transport = new class (Transports::open($options), $method, $after) implements Transport {
            /**
             * @param \Closure(Call, Reply): void $after
             */
            public function __construct(
                private readonly Transport $transport,
                private readonly string $method,
                private readonly \Closure $after,
            ) {}

            public function unary(Call $call): Reply
            {
                $reply = $this->transport->unary($call);
                if ($call->method === $this->method) {
                    ($this->after)($call, $reply);
                }

                return $reply;
            }

            public function close(): void
            {
                $this->transport->close();
            }
        };
        (new \ReflectionProperty($clients, 'clients'))->setValue($clients, ['client' => new Client($options, $transport)]);
    }

    /**
     * @template T of Message
     *
     * @param T $message
     *
     * @return T
     */
    private static function read(string $bytes, Message $message): Message
    {
        $message->mergeFromString($bytes);

        return $message;
    }
}
