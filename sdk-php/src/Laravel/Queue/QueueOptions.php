<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Waybill\Laravel\Settings;

/**
 * A queue connection's config, as config/waybill.php describes it.
 *
 * @internal
 */
final readonly class QueueOptions
{
    /** As in config/waybill.php: an application may have a copy of that which lacks some. */
    private const DEFAULTS = ['queue' => 'default', 'prefix' => 'jobs.', 'channel' => 'default', 'retry_after' => 90, 'block_for' => 5];

    /**
     * @param int $retryAfter seconds: the lease of a job
     * @param float $blockFor seconds
     * @param string|null $outbox the database connection, empty for the default one; null: no outbox
     */
    private function __construct(
        public string $queue,
        public string $prefix,
        public string $channel,
        public int $retryAfter,
        public float $blockFor,
        public bool $afterCommit,
        public ?string $outbox,
        public ?string $url,
    ) {}

    /**
     * @param array<array-key, mixed> $config
     * @param array<array-key, mixed> $application what the application says for connections that leave it out
     */
    public static function of(array $config, array $application = []): self
    {
        // A null is no omission: it turns off what can be, and is the default of the rest.
        $settings = Settings::of('queue.connections', $config + $application + self::DEFAULTS);

        return new self(
            $settings->string('queue', self::DEFAULTS['queue']),
            $settings->string('prefix'),
            $settings->string('channel', self::DEFAULTS['channel']),
            $settings->int('retry_after', self::DEFAULTS['retry_after']),
            $settings->float('block_for', 0),
            $settings->bool('after_commit'),
            $settings->connection('outbox'),
            $settings->optional('url'),
        );
    }
}
