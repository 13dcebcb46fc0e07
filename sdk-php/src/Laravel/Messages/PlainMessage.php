<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

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
    /**
     * The payload of the job that works this message; null for what is a job of Laravel's already.
     *
     * @return array<string, mixed>|null
     */
    public static function payload(Message $message): ?array
    {
        $body = json_decode($message->body, true);
        if (\is_array($body) && \is_string($body['job'] ?? null)) {
            return null;
        }
        $text = preg_match('//u', $message->body) === 1;

        return [
            'uuid' => $message->id,
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

    private function __construct() {}
}
