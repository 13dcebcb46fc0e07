<?php

declare(strict_types=1);

namespace Waybill\Tests\Laravel;

use App\Jobs\Flaky;
use App\Jobs\Note;
use App\Trace;
use Waybill\Laravel\Facades\Waybill;
use Waybill\PublishOptions;

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
}
