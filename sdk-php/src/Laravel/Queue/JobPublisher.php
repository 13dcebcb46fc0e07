<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Waybill\Client;
use Waybill\Exception\WaybillException;
use Waybill\Publish\MessageId;
use Waybill\PublishItem;

/**
 * Publishes what is dispatched: at once, or, inside `run`, together. One for the process.
 *
 * @internal
 */
final class Pipeline
{
    /** So much is published on the way, so that a long loop is not all in memory. */
    private const MESSAGES = 1_000;
    private const BYTES = 4_194_304;

    private int $depth = 0;

    /** @var array<int, array{Client, list<PublishItem>}> what waits, by the client that is to publish it */
    private array $waiting = [];

    private int $messages = 0;

    private int $bytes = 0;

    /**
     * What is published inside is durable when this returns; when `work` throws, too, as it would be without a pipeline.
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     *
     * @throws WaybillException what was not accepted; beside it, as `getPrevious`, what `work` threw
     */
    public function run(\Closure $work): mixed
    {
        ++$this->depth;
        try {
            return $work();
        } finally {
            --$this->depth;
            $this->flush();
        }
    }

    /**
     * @return string the message's id
     *
     * @throws WaybillException
     */
    public function publish(Client $client, PublishItem $item): string
    {
        if ($this->depth === 0) {
            return $client->publish($item->topic, $item->body, $item->options)->id;
        }
        $id = $item->options->id === '' ? MessageId::make() : $item->options->id;
        $key = spl_object_id($client);
        $this->waiting[$key] ??= [$client, []];
        $this->waiting[$key][1][] = new PublishItem($item->topic, $item->body, $item->options->withId($id));
        $this->bytes += \strlen($item->body);
        if (++$this->messages >= self::MESSAGES || $this->bytes >= self::BYTES) {
            $this->flush();
        }

        return $id;
    }

    private function flush(): void
    {
        $waiting = $this->waiting;
        $this->waiting = [];
        $this->messages = $this->bytes = 0;
        $failure = null;
        foreach ($waiting as [$client, $items]) {
            try {
                $client->publishMany($items);
            } catch (WaybillException $exception) {
                $failure ??= $exception;
            }
        }
        if ($failure !== null) {
            throw $failure;
        }
    }
}
