<?php

declare(strict_types=1);

namespace Waybill\Compat;

use DucCnzj\EventBus\Mq\DelayTopicPublishRequest;
use DucCnzj\EventBus\Mq\QueueId;
use DucCnzj\EventBus\Mq\SubscribeResponse;
use DucCnzj\EventBus\Mq\TopicPublishRequest;
use DucCnzj\EventBus\Mq\TopicSubscribeRequest;
use Google\Protobuf\GPBEmpty;
use Waybill\ConnectOptions;
use Waybill\Rpc\Repeat;

/**
 * For applications of the original event-bus: its topics (`mq.MqTopic`), with the calls of its PHP client, and without ext-grpc.
 *
 * A message that is published is durable when the call returns. Failures are WaybillExceptions, whose code is that of gRPC, as the original's was.
 * New code uses `Waybill\Client`, which says more and answers more precisely.
 */
final readonly class MqTopicClient
{
    private Mq $mq;

    /** @param string|ConnectOptions|null $options default: environment variable `MQ_HOST`, or `WAYBILL_URL` */
    public function __construct(string|ConnectOptions|null $options = null)
    {
        $this->mq = new Mq('/mq.MqTopic/', $options);
    }

    /**
     * @param int $expirationSeconds a message that nobody took by then vanishes; 0: never
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function publish(string $topic, string $data, int $expirationSeconds = 0, bool $toArray = false): GPBEmpty|array
    {
        $request = (new TopicPublishRequest())->setTopic($topic)->setData($data)->setExpirationSeconds($expirationSeconds);

        return Mq::answer($this->mq->call('publish', $request, new GPBEmpty(), Repeat::Unsafe), $toArray);
    }

    /**
     * @param int $delaySeconds not delivered before
     * @param int $expirationSeconds after it is due
     *
     * @return ($toArray is true ? array<mixed> : GPBEmpty)
     */
    public function delayPublish(
        string $topic,
        string $data,
        int $delaySeconds = 0,
        int $expirationSeconds = 0,
        bool $toArray = false,
    ): GPBEmpty|array {
        $request = (new DelayTopicPublishRequest())
            ->setTopic($topic)
            ->setData($data)
            ->setDelaySeconds($delaySeconds)
            ->setExpirationSeconds($expirationSeconds);

        return Mq::answer($this->mq->call('delayPublish', $request, new GPBEmpty(), Repeat::Unsafe), $toArray);
    }

    /**
     * Takes one message of a queue of the topic, and waits for it. Each queue gets every message; it is made on first use.
     *
     * @param float $seconds the longest wait; then a DeadlineException, code 4
     *
     * @return ($toArray is true ? array<mixed> : SubscribeResponse)
     */
    public function subscribe(string $topic, string $queueName, bool $toArray = false, float $seconds = 20): SubscribeResponse|array
    {
        $request = (new TopicSubscribeRequest())->setTopic($topic)->setQueueName($queueName);

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
