<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\InvalidArgumentException;

/**
 * What is published in one request, as it fills. A message that could not be encoded has a place in it too, and stays here.
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

    /** @var array<int, InvalidArgumentException> */
    private array $refusals = [];

    /** The request so far. */
    private string $bytes = '';

    public function isEmpty(): bool
    {
        return $this->count() === 0;
    }

    /** Whether it has room for a message beside those that it has; a large one may be alone in it. */
    public function takes(Encoded $message): bool
    {
        $fits = $this->count() < self::MESSAGES && \strlen($this->bytes) + \strlen($message->bytes) <= self::BYTES;

        return $fits || $this->isEmpty();
    }

    public function add(Encoded $message): void
    {
        if ($message->refusal !== null) {
            $this->refusals[$this->count()] = $message->refusal;

            return;
        }
        $this->ids[] = $message->id;
        $this->bytes .= $message->field();
    }

    /**
     * @return list<string> of the messages in the request, in their order
     */
    public function ids(): array
    {
        return $this->ids;
    }

    /**
     * @return array<int, InvalidArgumentException> why the others are not in it, by their places in the batch
     */
    public function refusals(): array
    {
        return $this->refusals;
    }

    /** A `waybill.v1.PublishRequest`. */
    public function request(): string
    {
        return $this->bytes;
    }

    private function count(): int
    {
        return \count($this->ids) + \count($this->refusals);
    }
}
