<?php

declare(strict_types=1);

namespace Waybill\Publish;

/**
 * What is published in one request, as it fills.
 *
 * @internal
 */
final class Batch
{
    /** The gateway takes 1,000; smaller ones let it work on one while the next is encoded. */
    private const MESSAGES = 250;

    private const BYTES = 1_048_576;

    /** @var list<string> */
    private array $ids = [];

    /** The request so far. */
    private string $bytes = '';

    public function isEmpty(): bool
    {
        return $this->ids === [];
    }

    /** Whether it has room for a message beside those that it has; a large one may be alone in it. */
    public function takes(Encoded $message): bool
    {
        $fits = \count($this->ids) < self::MESSAGES && \strlen($this->bytes) + \strlen($message->bytes) <= self::BYTES;

        return $fits || $this->isEmpty();
    }

    public function add(Encoded $message): void
    {
        $this->ids[] = $message->id;
        $this->bytes .= $message->field();
    }

    /**
     * @return list<string> of its messages, in their order
     */
    public function ids(): array
    {
        return $this->ids;
    }

    /** A `waybill.v1.PublishRequest`. */
    public function request(): string
    {
        return $this->bytes;
    }
}
