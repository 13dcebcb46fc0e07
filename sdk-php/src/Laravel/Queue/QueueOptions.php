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
    private const DEFAULT_RETRY_AFTER = 90;

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
     */
    public static function of(array $config): self
    {
        $settings = Settings::of('queue.connections', $config);

        return new self(
            $settings->string('queue', 'default'),
            $settings->string('prefix'),
            $settings->string('channel', 'default'),
            $settings->int('retry_after', self::DEFAULT_RETRY_AFTER),
            $settings->float('block_for', 0),
            $settings->bool('after_commit'),
            $settings->connection('outbox'),
            $settings->optional('url'),
        );
    }
}
