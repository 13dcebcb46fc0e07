<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Ramsey\Uuid\Uuid;
use Waybill\Laravel\Settings;
use Waybill\Message;

/**
 * A message of another publisher, which a queue's topic may have as well, as a job of Laravel's: one that calls the handler of its topic. As
 * such it is kept when it has failed, and `queue:retry` queues it anew.
 *
 * @internal
 */
final class PlainMessage
{
    /** The namespace of their UUIDs. */
    private const UUIDS = '99c2dbbe-321b-4aee-b9be-151426a3210f';

    /**
     * The payload of the job that works this message; null for what is a job of Laravel's already.
     *
     * @return array<string, mixed>|null
     */
    public static function payload(Message $message): ?array
    {
        if (self::isJob(json_decode($message->body, true))) {
            return null;
        }
        $text = preg_match('//u', $message->body) === 1;

        return [
            'uuid' => self::uuid($message),
            'displayName' => $message->topic,
            'job' => CallHandler::class . '@call',
            'maxTries' => null,
            'maxExceptions' => null,
            'failOnTimeout' => false,
            'backoff' => null,
            'timeout' => null,
            'data' => [
                'id' => $message->id,
                'topic' => $message->topic,
                'key' => $message->key,
                'headers' => $message->headers,
                'body' => $text ? $message->body : base64_encode($message->body),
                'base64' => !$text,
                'published' => $message->publishedAt->format('U.u'),
            ],
        ];
    }

    /**
     * The message in such a payload's data.
     *
     * @param array<array-key, mixed> $data
     */
    public static function message(array $data): Message
    {
        $settings = Settings::of('data', $data);
        $body = $settings->string('body');
        $headers = [];
        foreach (\is_array($data['headers'] ?? null) ? $data['headers'] : [] as $name => $value) {
            $headers[(string) $name] = \is_scalar($value) ? (string) $value : '';
        }
        $published = \DateTimeImmutable::createFromFormat('U.u', $settings->string('published'));

        return new Message(
            $settings->string('id'),
            $settings->string('topic'),
            $settings->bool('base64') ? (string) base64_decode($body, true) : $body,
            $settings->string('key'),
            $headers,
            $published === false ? new \DateTimeImmutable('@0') : $published,
        );
    }

    /** What every payload of Laravel's has: a `job` alone may be a field of anybody's. */
    private static function isJob(mixed $body): bool
    {
        return \is_array($body) && \is_string($body['uuid'] ?? null) && \is_string($body['job'] ?? null) && \array_key_exists('data', $body);
    }

    /**
     * Made of topic and id, and so the same at each attempt. The id alone will not do: a message of another topic may have it too, and of
     * one uuid there is one failed job only.
     */
    private static function uuid(Message $message): string
    {
        // Neither has a space in it.
        return Uuid::uuid5(self::UUIDS, "{$message->topic} {$message->id}")->toString();
    }

    private function __construct() {}
}
