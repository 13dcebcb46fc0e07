<?php

declare(strict_types=1);

namespace Waybill;

/** A message, as a consumer receives it. */
final readonly class Message
{
    /**
     * @param string $topic the topic that it was published to, also where the subscription is a pattern
     * @param string $key what it is about; empty when its publisher gave none
     * @param array<string, string> $headers
     * @param \DateTimeImmutable $publishedAt when the gateway accepted it
     */
    public function __construct(
        public string $id,
        public string $topic,
        public string $body,
        public string $key,
        public array $headers,
        public \DateTimeImmutable $publishedAt,
    ) {}

    /** Null when the message has none of that name. */
    public function header(string $name): ?string
    {
        return $this->headers[$name] ?? null;
    }

    /** The W3C trace context of its publisher, if it gave one. */
    public function traceparent(): ?string
    {
        return $this->header(Headers::TRACEPARENT);
    }

    /**
     * The body as JSON, objects as arrays.
     *
     * @throws \JsonException when it is none
     */
    public function json(): mixed
    {
        return json_decode($this->body, true, 512, \JSON_THROW_ON_ERROR);
    }
}
