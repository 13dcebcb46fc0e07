<?php

declare(strict_types=1);

namespace Waybill\Laravel\Console;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Database\ConnectionResolverInterface;
use Waybill\Exception\WaybillException;
use Waybill\Laravel\Clients;
use Waybill\Laravel\Messages\Subscriptions;
use Waybill\Laravel\Settings;
use Waybill\Outbox\Outbox;

final class DoctorCommand extends GatewayCommand
{
    private const GOOD = '<fg=green;options=bold>OK</>';
    private const FAIR = '<fg=yellow;options=bold>NOTE</>';
    private const BAD = '<fg=red;options=bold>FAIL</>';

    protected $signature = 'waybill:doctor';

    protected $description = 'Check what Waybill needs: the gateway, the extensions, the configuration';

    private bool $healthy = true;

    protected function work(): int
    {
        $this->healthy = true;
        $this->extensions();
        $this->gateway();
        $this->check('config waybill.topics', fn() => \sprintf('%d handlers', \count($this->laravel->make(Subscriptions::class)->all)));
        $this->queue();
        $this->outbox();

        return $this->healthy ? self::SUCCESS : self::FAILURE;
    }

    private function extensions(): void
    {
        $this->told('ext-pcntl', \extension_loaded('pcntl') ? self::GOOD : self::FAIR . ' workers cannot end jobs that take too long');
        $this->told('ext-protobuf', \extension_loaded('protobuf') ? self::GOOD : self::FAIR . ' not needed, but faster');
    }

    private function gateway(): void
    {
        $clients = $this->laravel->make(Clients::class);
        $this->check('gateway ' . $clients->options()->address(), function () use ($clients): string {
            $begun = microtime(true);
            $names = [];
            foreach ($clients->client()->admin()->nodes() as $node) {
                $names[] = "{$node->getName()} {$node->getVersion()} {$node->getEngine()}";
            }

            return \sprintf('%.0f ms, %s', (microtime(true) - $begun) * 1000, implode(', ', $names));
        });
    }

    private function queue(): void
    {
        $config = $this->laravel->make(Repository::class);
        $queue = Settings::of('queue', $config->get('queue'));
        $mine = Settings::of('queue.connections.waybill', $config->get('queue.connections.waybill'));
        $default = $queue->string('default');
        $this->told('queue connection', $default === 'waybill' ? self::GOOD : self::FAIR . " the default is {$default}");
        if ($mine->bool('after_commit') && $mine->connection('outbox') === null) {
            $this->told('queue after_commit', self::FAIR . ' a crash right after the commit loses the job; outbox does not');
        }
    }

    private function outbox(): void
    {
        $settings = Settings::of('waybill.outbox', $this->laravel->make(Repository::class)->get('waybill.outbox'));
        $table = $settings->string('table', Outbox::TABLE);
        try {
            $this->laravel->make(ConnectionResolverInterface::class)->connection($settings->optional('connection'))->select("SELECT COUNT(*) AS slots FROM {$table}_slots");
            $this->told("outbox {$table}", self::GOOD);
        } catch (\Throwable) {
            $this->told("outbox {$table}", self::FAIR . ' no table: vendor:publish --tag=waybill-migrations, if you need it');
        }
    }

    /**
     * @param \Closure(): string $examine
     */
    private function check(string $what, \Closure $examine): void
    {
        try {
            $this->told($what, "<fg=gray>{$examine()}</> " . self::GOOD);
        } catch (WaybillException $exception) {
            $this->healthy = false;
            $this->told($what, "{$exception->getMessage()} " . self::BAD);
        }
    }

    private function told(string $what, string $how): void
    {
        $this->components->twoColumnDetail($what, $how);
    }
}
