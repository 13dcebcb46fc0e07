<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Duration;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Publish\MessageId;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * A message as the outbox table holds it; docs/outbox.md says what each column means.
 *
 * @internal
 */
final readonly class Row
{
    public const SLOTS = 16;

    private const MAX_HEADERS = 64;
    private const MAX_HEADER_BYTES = 16 << 10;

    private function __construct(
        public int $slot,
        public string $id,
        public string $topic,
        public string $key,
        public ?string $headers,
        public string $body,
        public int $dueMs,
        public int $ttlMs,
    ) {}

    /**
     * Throws InvalidArgumentException for what the bus would refuse, so that the error is the caller's and no row of poison is written.
     * The size of the body is the bus's to judge.
     */
    public static function of(PublishItem $item): self
    {
        $options = $item->options;
        self::check('topic', $item->topic, '/^[A-Za-z0-9._:@-]{1,128}$/D', '1 to 128 characters of A-Z a-z 0-9 . _ : @ -');
        if ($options->id !== '') {
            self::check('id', $options->id, '/^[\x21-\x7E]{1,128}$/D', '1 to 128 characters of visible ASCII');
        }
        self::check('key', $options->key, '/^.{0,128}$/Dus', 'up to 128 characters of UTF-8');
        $nowMs = (int) (microtime(true) * 1000);
        $dueMs = self::dueMs($options, $nowMs);
        $ttlMs = $options->ttl === null ? 0 : Duration::milliseconds($options->ttl, 'ttl');
        if ($ttlMs > 0 && $nowMs + $ttlMs <= $dueMs) {
            throw InvalidArgumentException::option('ttl', "{$ttlMs} ms", 'a time longer than the delay');
        }
        $id = $options->id === '' ? MessageId::make() : $options->id;

        return new self(
            self::slot($options->key, $id),
            $id,
            $item->topic,
            $options->key,
            self::headers($options->headers),
            $item->body,
            $dueMs,
            $ttlMs,
        );
    }

    /** What it adds to a statement, but for what is small. */
    public function bytes(): int
    {
        return \strlen($this->body) + \strlen($this->headers ?? '');
    }

    /** All rows of a key have the same slot. */
    public static function slot(string $key, string $id): int
    {
        return crc32($key === '' ? $id : $key) % self::SLOTS;
    }

    private static function dueMs(PublishOptions $options, int $nowMs): int
    {
        if ($options->delay !== null) {
            $delayMs = Duration::milliseconds($options->delay, 'delay');

            return $delayMs === 0 ? 0 : $nowMs + $delayMs;
        }
        if ($options->due === null) {
            return 0;
        }
        $dueMs = (int) $options->due->format('Uv');
        if ($dueMs > $nowMs + Duration::MAX_DELAY_MS) {
            throw InvalidArgumentException::option('due', $options->due->format(\DATE_ATOM), 'a time at most 10 years ahead');
        }

        // 0 would be: none given.
        return max(1, $dueMs);
    }

    /**
     * @param array<array-key, string> $headers
     */
    private static function headers(array $headers): ?string
    {
        if ($headers === []) {
            return null;
        }
        if (\count($headers) > self::MAX_HEADERS) {
            throw InvalidArgumentException::option('headers', (string) \count($headers), 'up to 64 headers');
        }
        $bytes = 0;
        foreach ($headers as $name => $value) {
            // PHP turns a name of digits into a number.
            self::check('headers', (string) $name, '/^[\x21-\x7E]{1,128}$/D', 'names of 1 to 128 characters of visible ASCII');
            self::check('headers', $value, '//u', 'values of UTF-8');
            $bytes += \strlen((string) $name) + \strlen($value);
        }
        if ($bytes > self::MAX_HEADER_BYTES) {
            throw InvalidArgumentException::option('headers', "{$bytes} bytes", 'up to 16384 bytes together');
        }

        return json_encode((object) $headers, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_UNICODE | \JSON_UNESCAPED_SLASHES);
    }

    private static function check(string $field, string $value, string $pattern, string $limit): void
    {
        if (preg_match($pattern, $value) !== 1) {
            throw InvalidArgumentException::option($field, self::shown($value), $limit);
        }
    }

    private static function shown(string $value): string
    {
        return (string) json_encode(substr($value, 0, 200), \JSON_INVALID_UTF8_SUBSTITUTE | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE);
    }
}
