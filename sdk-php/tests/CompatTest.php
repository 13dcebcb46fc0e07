<?php

declare(strict_types=1);

namespace Waybill\Tests;

use DucCnzj\EventBus\Mq\SubscribeResponse;
use Waybill\Compat\MqClient;
use Waybill\Compat\MqTopicClient;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\WaybillException;
use Waybill\PullOptions;
use Waybill\Tests\Support\GatewayTestCase;

/** As the original event-bus answered: see `mq/mq.proto`. */
final class CompatTest extends GatewayTestCase
{
    public function testAQueueHandsOutWhatWasPublished(): void
    {
        $mq = new MqClient(self::gateway()->url());
        $mq->publish($this->topic, 'hello');
        $taken = $mq->subscribe($this->topic);
        self::assertInstanceOf(SubscribeResponse::class, $taken);
        self::assertSame(['hello', $this->topic], [$taken->getData(), $taken->getQueue()]);
        self::assertMatchesRegularExpression('/^[0-9a-z]{20}$/', $taken->getId());
        $mq->ack($taken->getId());
        $this->expectException(DeadlineException::class);
        $this->expectExceptionCode(4);
        $mq->subscribe($this->topic, seconds: 0.5);
    }

    public function testAnswersAreArraysForWhoWantsThem(): void
    {
        $mq = new MqClient(self::gateway()->url());
        self::assertSame([], $mq->publish($this->topic, 'hello', 60, true));
        $taken = $mq->subscribe($this->topic, true);
        self::assertSame('hello', $taken['data'] ?? null);
    }

    public function testADelayedMessageIsNotEarly(): void
    {
        $mq = new MqClient(self::gateway()->url());
        $began = microtime(true);
        $mq->delayPublish($this->topic, 'later', 1);
        self::assertSame('later', $mq->subscribe($this->topic)->getData());
        self::assertGreaterThanOrEqual(1, microtime(true) - $began);
    }

    public function testANackComesAgainUnderAnotherId(): void
    {
        $mq = new MqClient(self::gateway()->url());
        $mq->publish($this->topic, 'x');
        $first = $mq->subscribe($this->topic)->getId();
        $mq->nack($first);
        self::assertNotSame($first, $mq->subscribe($this->topic)->getId());
    }

    public function testAnAckIsFinal(): void
    {
        $mq = new MqClient(self::gateway()->url());
        $mq->publish($this->topic, 'x');
        $id = $mq->subscribe($this->topic)->getId();
        $mq->ack($id);
        $mq->ack($id);
        try {
            $mq->nack($id);
            self::fail('it was nacked');
        } catch (WaybillException $exception) {
            self::assertSame([2, 'already acked'], [$exception->getCode(), $exception->getMessage()]);
        }
    }

    public function testNothingIsPublishedWithoutAName(): void
    {
        $this->expectException(WaybillException::class);
        $this->expectExceptionMessage("queue and data can't empty");
        (new MqClient(self::gateway()->url()))->publish('', 'x');
    }

    public function testEachQueueOfATopicGetsEveryMessage(): void
    {
        $this->client->pull($this->topic, 'a', new PullOptions(wait: 0));
        $this->client->pull($this->topic, 'b', new PullOptions(wait: 0));
        $mq = new MqTopicClient(self::gateway()->url());
        $mq->publish($this->topic, 'to all');
        $mq->delayPublish($this->topic, 'later', 1);
        foreach (['a', 'b'] as $queue) {
            foreach (['to all', 'later'] as $data) {
                $taken = $mq->subscribe($this->topic, $queue);
                self::assertSame($data, $taken->getData());
                $mq->ack($taken->getId());
            }
        }
    }
}
