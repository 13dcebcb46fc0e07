<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\InvalidArgumentException;

/**
 * What may be said about a message when it is published.
 *
 * Lengths of time are seconds, as a whole number or a fraction, or a DateInterval.
 */
final readonly class PublishOptions
{
    /**
     * @param string $id what the message is known by on its topic: up to 128 characters of visible ASCII. A message with an id
     *                   that the topic accepted before, within the gateway's dedupe window, is dropped: outcome Duplicate. Default: a new UUIDv7
     * @param string $key what the message is about, such as an order number: up to 128 characters
     * @param array<array-key, string> $headers up to 64; names of 1 to 128 characters of visible ASCII; 16 KiB for all
     * @param int|float|\DateInterval|null $delay not delivered before this time has passed: 0 to 10 years. At most one of `delay` and `due`
     * @param \DateTimeInterface|null $due not delivered before this time, at most 10 years ahead; one that has passed means now
     * @param int|float|\DateInterval|null $ttl a message that was not handed out this long after it was accepted expires. Longer than the delay. Default: never
     */
    public function __construct(
        public string $id = '',
        public string $key = '',
        public array $headers = [],
        public int|float|\DateInterval|null $delay = null,
        public ?\DateTimeInterface $due = null,
        public int|float|\DateInterval|null $ttl = null,
    ) {
        if ($delay !== null && $due !== null) {
            throw InvalidArgumentException::option('delay', 'given beside due', 'at most one of delay and due');
        }
    }

    public function withId(string $id): self
    {
        return new self($id, $this->key, $this->headers, $this->delay, $this->due, $this->ttl);
    }

    public function withKey(string $key): self
    {
        return new self($this->id, $key, $this->headers, $this->delay, $this->due, $this->ttl);
    }

    public function withHeader(string $name, string $value): self
    {
        return new self($this->id, $this->key, [$name => $value] + $this->headers, $this->delay, $this->due, $this->ttl);
    }

    /** Instead of `due`, too. */
    public function withDelay(int|float|\DateInterval $delay): self
    {
        return new self($this->id, $this->key, $this->headers, $delay, null, $this->ttl);
    }

    /** Instead of `delay`, too. */
    public function withDue(\DateTimeInterface $due): self
    {
        return new self($this->id, $this->key, $this->headers, null, $due, $this->ttl);
    }

    public function withTtl(int|float|\DateInterval $ttl): self
    {
        return new self($this->id, $this->key, $this->headers, $this->delay, $this->due, $ttl);
    }

    /** Sets the W3C trace context (`traceparent`) that consumers see. */
    public function withTraceparent(string $traceparent): self
    {
        return $this->withHeader(Headers::TRACEPARENT, $traceparent);
    }
}
