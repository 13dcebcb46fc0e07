<?php

declare(strict_types=1);

namespace Waybill\Laravel\Queue;

use Waybill\Client;
use Waybill\Exception\WaybillException;
use Waybill\Pipeline;
use Waybill\PublishItem;

/**
 * Publishes what is dispatched: each at once, or, inside `together`, by a pipeline. One for the process.
 *
 * @internal
 */
final class JobPublisher
{
    /** So many wait for their results, which are kept until then. */
    private const MESSAGES = 10_000;

    private int $depth = 0;

    /** @var array<int, Pipeline> by the client that publishes */
    private array $pipelines = [];

    private int $messages = 0;

    /** The process of which all this is. */
    private int $pid = 0;

    /**
     * What is published inside is durable when this returns; when `work` throws, too, as it would be otherwise.
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     *
     * @throws WaybillException what was not accepted; beside it, as `getPrevious`, what `work` threw
     */
    public function together(\Closure $work): mixed
    {
        $this->leaveParent();
        $pid = $this->pid;
        ++$this->depth;
        try {
            return $work();
        } finally {
            // A process that was forked inside may come here too; what waits is its parent's to publish.
            if ($pid === getmypid()) {
                --$this->depth;
                $this->flush();
            }
        }
    }

    /**
     * What is published inside does not wait for the end of a `together` around it. For who may interrupt one and not let it go on, as
     * the handler of a job's timeout does, after which the worker is killed.
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     */
    public function apart(\Closure $work): mixed
    {
        $this->leaveParent();
        $pid = $this->pid;
        $interrupted = [$this->depth, $this->pipelines, $this->messages];
        [$this->depth, $this->pipelines, $this->messages] = [0, [], 0];
        try {
            return $work();
        } finally {
            if ($pid === getmypid()) {
                [$this->depth, $this->pipelines, $this->messages] = $interrupted;
            }
        }
    }

    /**
     * @return string the message's id
     *
     * @throws WaybillException
     */
    public function publish(Client $client, PublishItem $item): string
    {
        $this->leaveParent();
        if ($this->depth === 0) {
            return $client->publish($item->topic, $item->body, $item->options)->id;
        }
        $pipeline = $this->pipelines[spl_object_id($client)] ??= $client->pipeline();
        $id = $pipeline->publish($item->topic, $item->body, $item->options);
        if (++$this->messages >= self::MESSAGES) {
            $this->flush();
        }

        return $id;
    }

    /** A process that was forked has a copy of what waits in its parent, which publishes it; and nobody here would end the parent's `together`. */
    private function leaveParent(): void
    {
        $pid = (int) getmypid();
        if ($this->pid !== $pid) {
            [$this->depth, $this->pipelines, $this->messages, $this->pid] = [0, [], 0, $pid];
        }
    }

    private function flush(): void
    {
        $pipelines = $this->pipelines;
        $this->pipelines = [];
        $this->messages = 0;
        $failure = null;
        foreach ($pipelines as $pipeline) {
            try {
                $pipeline->flush();
            } catch (WaybillException $exception) {
                $failure ??= $exception;
            }
        }
        if ($failure !== null) {
            throw $failure;
        }
    }
}
