<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Waybill\Client;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\WaybillException;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * Publishing from an application: what the facade `Waybill` stands for.
 *
 * A payload is text or bytes as they are, or anything that json_encode takes; the latter has the header `content-type: application/json`.
 */
interface Bus
{
    /**
     * Publishes a message; it is durable when this returns.
     *
     * @throws WaybillException
     */
    public function publish(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): Published;

    /**
     * Publishes many together: the fast way.
     *
     * @param iterable<PublishItem> $items
     *
     * @return list<Published>
     *
     * @throws WaybillException
     */
    public function publishMany(iterable $items): array;

    /**
     * Publishes when the open database transaction has committed, and not at all when it is rolled back; at once when none is open.
     * A crash right after the commit loses the message: `outbox` does not.
     */
    public function publishAfterCommit(string $topic, mixed $payload, PublishOptions $options = new PublishOptions()): void;

    /**
     * Writes the message into the outbox, in the open database transaction: it is published, by `waybill:relay`, if and only if that commits.
     * Answers with its id.
     *
     * @param string|null $connection the database connection. Default: config `waybill.outbox.connection`
     *
     * @throws FailedPreconditionException when no transaction is open
     */
    public function outbox(string $topic, mixed $payload, PublishOptions $options = new PublishOptions(), ?string $connection = null): string;

    /**
     * Runs `work`, and publishes the jobs that it dispatches together: many times as fast as one by one. All are durable when this
     * returns; until then, a crash loses them. Answers what `work` returns.
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     *
     * @throws WaybillException when some were not accepted: a PublishManyException tells which
     */
    public function pipeline(\Closure $work): mixed;

    /** The client itself: pull, request, locks, admin calls. */
    public function client(): Client;
}
