<?php

declare(strict_types=1);

namespace Waybill\Compat;

use DucCnzj\EventBus\Mq\DelayPublishRequest;
use DucCnzj\EventBus\Mq\PublishRequest;
use DucCnzj\EventBus\Mq\QueueId;
use DucCnzj\EventBus\Mq\SubscribeRequest;
use DucCnzj\EventBus\Mq\SubscribeResponse;
use Google\Protobuf\GPBEmpty;
use Waybill\ConnectOptions;
use Waybill\Rpc\Repeat;

/**
 * For applications of the original event-bus: its queues (`mq.Mq`), with the calls of its PHP client, and without ext-grpc.
 *
 * A message that is published is durable when the call returns. Failures are WaybillExceptions, whose code is that of gRPC, as the original's was.
 * New code uses `Waybill\Client`, which says more and answers more precisely.
 */
final readonly class MqClient
{
    private Mq $mq;

    /** @param string|ConnectOptions|null $options default: environment variable `MQ_HOST`, or `WAYBILL_URL` */
    public function __construct(string|ConnectOptions|null $options = null)
    {
        $this->mq = new Mq('/mq.Mq/', $options);
    }

    /**
     * @param int $expirationSeconds a message that nobody took by then vanishes; 0: never
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function publish(string $queue, string $data, int $expirationSeconds = 0, bool $toArray = false): GPBEmpty|array
    {
        $request = (new PublishRequest())->setQueue($queue)->setData($data)->setExpirationSeconds($expirationSeconds);

        return Mq::answer($this->mq->call('publish', $request, new GPBEmpty(), Repeat::Unsafe), $toArray);
    }

    /**
     * @param int $delaySeconds not delivered before
     * @param int $expirationSeconds after it is due
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function delayPublish(
        string $queue,
        string $data,
        int $delaySeconds = 0,
        int $expirationSeconds = 0,
        bool $toArray = false,
    ): GPBEmpty|array {
        $request = (new DelayPublishRequest())
            ->setQueue($queue)
            ->setData($data)
            ->setDelaySeconds($delaySeconds)
            ->setExpirationSeconds($expirationSeconds);

        return Mq::answer($this->mq->call('delayPublish', $request, new GPBEmpty(), Repeat::Unsafe), $toArray);
    }

    /**
     * Takes one message, and waits for it.
     *
     * @param float $seconds the longest wait; then a DeadlineException, code 4
     *
     * @return ($toArray is true ? array<mixed> : SubscribeResponse)
     */
    public function subscribe(string $queue, bool $toArray = false, float $seconds = 20): SubscribeResponse|array
    {
        $request = (new SubscribeRequest())->setQueue($queue);

        return Mq::answer($this->mq->call('subscribe', $request, new SubscribeResponse(), Repeat::Unsafe, $seconds), $toArray);
    }

    /**
     * Done.
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function ack(string $id, bool $toArray = false): GPBEmpty|array
    {
        return Mq::answer($this->mq->call('ack', (new QueueId())->setId($id), new GPBEmpty(), Repeat::Safe), $toArray);
    }

    /**
     * Again later.
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function nack(string $id, bool $toArray = false): GPBEmpty|array
    {
        return Mq::answer($this->mq->call('nack', (new QueueId())->setId($id), new GPBEmpty(), Repeat::Safe), $toArray);
    }
}
