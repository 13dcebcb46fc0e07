<?php

declare(strict_types=1);

namespace Waybill;

use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\PublishManyException;
use Waybill\Exception\WaybillException;
use Waybill\Publish\Batch;
use Waybill\Publish\Publisher;

/**
 * Publishes without waiting for each message: they go in batches, several under way at a time, while the application makes the next ones.
 * What `flush` returned is durable. What was never flushed may be lost.
 *
 * Those of one topic may be delivered in another order.
 */
final class Pipeline
{
    private Batch $filling;

    /** @var array<int, Batch> full ones, in order, that are not on their way yet */
    private array $full = [];

    private int $batches = 0;

    private bool $flushing = false;

    /** @var \Generator<null, null, null, list<Published|WaybillException>>|null stopped where there was no full batch; null: none was sent since the last flush */
    private ?\Generator $sending = null;

    /**
     * @internal `Client::pipeline` makes them
     */
    public function __construct(private readonly Publisher $publisher)
    {
        $this->filling = new Batch();
    }

    /**
     * Answers at once, unless more is under way than is good; what was not accepted is for `flush` to tell.
     *
     * @param string $topic 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`
     * @param string $body any bytes, up to the gateway's `MaxMessageBytes` (4 MiB unless set)
     *
     * @return string the message's id
     *
     * @throws InvalidArgumentException what is wrong on the face of it; the others are not touched
     */
    public function publish(string $topic, string $body, PublishOptions $options = new PublishOptions()): string
    {
        $message = $this->publisher->encode(new PublishItem($topic, $body, $options));
        if (!$this->filling->takes($message)) {
            $this->close();
            $this->send();
        }
        $this->filling->add($message);

        return $message->id;
    }

    /**
     * Waits until everything that was published since the last flush has its result.
     *
     * @return list<Published> a result for each message, in order
     *
     * @throws PublishManyException when some were not accepted: its `results` tells which
     * @throws WaybillException when there was only one, and it was not accepted
     */
    public function flush(): array
    {
        if (!$this->filling->isEmpty()) {
            $this->close();
        }
        $this->flushing = true;
        try {
            $this->send();
            $results = $this->sending?->getReturn() ?? [];
        } finally {
            $this->sending = null;
            $this->flushing = false;
            $this->full = [];
        }

        return self::allPublished($results);
    }

    private function close(): void
    {
        $this->full[$this->batches++] = $this->filling;
        $this->filling = new Batch();
    }

    /** Brings full batches on their way, and takes in what has been answered; while flushing, until all is. */
    private function send(): void
    {
        try {
            if ($this->sending === null) {
                $this->sending = $this->publisher->batches($this->source());
                // A generator begins when it is first looked at.
                $this->sending->current();
            } else {
                $this->sending->next();
            }
        } catch (\Throwable $thrown) {
            // Such as what a token's closure throws. A generator that threw is over.
            $this->sending = null;

            throw $thrown;
        }
    }

    /**
     * @return \Generator<int, Batch|null>
     */
    private function source(): \Generator
    {
        while ($this->full !== [] || !$this->flushing) {
            $key = array_key_first($this->full);
            if ($key === null) {
                yield -1 => null;
                continue;
            }
            $batch = $this->full[$key];
            unset($this->full[$key]);
            yield $key => $batch;
        }
    }

    /**
     * @param list<Published|WaybillException> $results
     *
     * @return list<Published>
     */
    private static function allPublished(array $results): array
    {
        $published = [];
        foreach ($results as $result) {
            if ($result instanceof WaybillException) {
                throw \count($results) === 1 ? $result : PublishManyException::of($results, $result);
            }
            $published[] = $result;
        }

        return $published;
    }
}
