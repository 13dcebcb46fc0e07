<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Waybill\Exception\InvalidArgumentException;
use Waybill\Laravel\Settings;
use Waybill\RetryPolicy;

/** An entry of config `waybill.topics`: who handles which messages, and how. */
final readonly class Subscription
{
    private const LONGEST_BACKOFF = 3600;

    /**
     * @param string $topic or a pattern: words parted by dots, `*` for one word, `#` for any number
     * @param string $handler a class of the container with a method `handle`
     * @param RetryPolicy|null $retry null: the channel's stays as it is
     * @param int $lease seconds
     * @param string|null $once the database connection of the inbox, empty for the default one; null: no inbox
     */
    public function __construct(
        public string $topic,
        public string $channel,
        public string $handler,
        public ?RetryPolicy $retry = null,
        public int $lease = 60,
        public ?string $once = null,
    ) {}

    public static function of(string $topic, mixed $config, string $channel): self
    {
        $settings = Settings::of("waybill.topics.{$topic}", \is_string($config) ? ['handler' => $config] : $config);
        $handler = $settings->string('handler');
        if (!class_exists($handler) && !interface_exists($handler)) {
            throw InvalidArgumentException::option("config waybill.topics.{$topic}", "\"{$handler}\"", 'the name of a class with a method handle');
        }

        return new self(
            $topic,
            $settings->string('channel', $channel),
            $handler,
            self::retry($settings),
            $settings->int('lease', 60),
            $settings->connection('once'),
        );
    }

    public function onChannel(string $channel): self
    {
        return new self($this->topic, $channel, $this->handler, $this->retry, $this->lease, $this->once);
    }

    /** Whether a message of this topic is meant. */
    public function takes(string $topic): bool
    {
        return self::matches(explode('.', $this->topic), explode('.', $topic));
    }

    private static function retry(Settings $settings): ?RetryPolicy
    {
        if (!$settings->has('retries') && !$settings->has('backoff')) {
            return null;
        }
        $retries = $settings->int('retries', 5);
        $backoff = $settings->float('backoff', 10);
        $multiplier = $settings->float('multiplier', 1);

        return $multiplier === 1.0 || $backoff === 0.0
            ? RetryPolicy::fixed($retries, $backoff)
            : RetryPolicy::exponential($retries, $backoff, $multiplier, max($backoff, $settings->float('max_backoff', self::LONGEST_BACKOFF)));
    }

    /**
     * @param list<string> $pattern
     * @param list<string> $words
     */
    private static function matches(array $pattern, array $words): bool
    {
        if ($pattern === []) {
            return $words === [];
        }
        $first = array_shift($pattern);
        if ($first === '#') {
            return self::matches($pattern, $words) || ($words !== [] && self::matches(['#', ...$pattern], \array_slice($words, 1)));
        }

        return $words !== [] && ($first === '*' || $first === $words[0]) && self::matches($pattern, \array_slice($words, 1));
    }
}
