<?php

declare(strict_types=1);

namespace Waybill\Tests;

use PHPUnit\Framework\Attributes\TestWith;
use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\NotFoundException;
use Waybill\Exception\PublishManyException;
use Waybill\Exception\StaleReceiptException;
use Waybill\Exception\UnavailableException;
use Waybill\Headers;
use Waybill\Outcome;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\PullOptions;
use Waybill\RetryPolicy;
use Waybill\SettleStatus;
use Waybill\Tests\Support\GatewayTestCase;
use Waybill\Tests\Transport\LossyTransport;
use Waybill\Transport\Stream\Socket;
use Waybill\Transport\Transports;

final class ClientTest extends GatewayTestCase
{
    public function testAMessageArrivesWithAllThatWasSaidAboutIt(): void
    {
        $options = new PublishOptions(key: 'order 7', headers: ['42' => 'a number for a name', 'kind' => 'created']);
        $published = $this->client->publish($this->topic, "\0\xFF binary", $options->withTraceparent('00-' . str_repeat('a', 32) . '-' . str_repeat('b', 16) . '-01'));
        $delivery = $this->pullOne();
        $message = $delivery->message;
        self::assertSame($published->id, $message->id);
        self::assertSame($this->topic, $message->topic);
        self::assertSame("\0\xFF binary", $message->body);
        self::assertSame('order 7', $message->key);
        self::assertSame('created', $message->header('kind'));
        self::assertSame('a number for a name', $message->header('42'));
        self::assertSame('00-' . str_repeat('a', 32) . '-' . str_repeat('b', 16) . '-01', $message->traceparent());
        self::assertSame(1, $delivery->attempt);
        self::assertEqualsWithDelta(microtime(true), (float) $message->publishedAt->format('U.v'), 10);
        $delivery->ack();
        self::assertSame([], $this->pull());
    }

    public function testATopicWithoutAChannelParksItsMessages(): void
    {
        self::assertSame(Outcome::Parked, $this->client->publish($this->topic, 'x')->outcome);
        $this->pullOne()->ack();
        self::assertSame(Outcome::Accepted, $this->client->publish($this->topic, 'y')->outcome);
    }

    public function testAnIdIsAcceptedOnce(): void
    {
        $this->pull();
        $options = new PublishOptions(id: 'order-7');
        self::assertSame(Outcome::Accepted, $this->client->publish($this->topic, 'first', $options)->outcome);
        self::assertSame(Outcome::Duplicate, $this->client->publish($this->topic, 'second', $options)->outcome);
        self::assertSame('first', $this->pullOne()->message->body);
    }

    public function testADelayedMessageIsNeverEarly(): void
    {
        $this->pull();
        $began = microtime(true);
        self::assertSame(Outcome::Scheduled, $this->client->publish($this->topic, 'x', new PublishOptions(delay: 1.5))->outcome);
        $this->pullOne(5);
        self::assertGreaterThanOrEqual(1.5, microtime(true) - $began);
    }

    public function testADueTimeIsNeverEarly(): void
    {
        $this->pull();
        $due = new \DateTimeImmutable('+1 second');
        $this->client->publish($this->topic, 'x', new PublishOptions(due: $due));
        $this->pullOne(5);
        self::assertGreaterThanOrEqual((float) $due->format('U.u') - 0.001, microtime(true));
    }

    public function testAMessageThatIsNotTakenInItsTimeExpires(): void
    {
        $this->pull();
        $this->client->publish($this->topic, 'short', (new PublishOptions())->withTtl(0.3));
        $this->client->publish($this->topic, 'long');
        usleep(500_000);
        self::assertSame('long', $this->pullOne()->message->body);
    }

    public function testADelayIsCancelledOrMoved(): void
    {
        $cancelled = $this->client->publish($this->topic, 'cancelled', new PublishOptions(delay: 3600));
        $moved = $this->client->publish($this->topic, 'moved', new PublishOptions(delay: 3600));
        $this->client->cancel($this->topic, $cancelled->id);
        $due = $this->client->reschedule($this->topic, $moved->id, 0.2);
        self::assertEqualsWithDelta(microtime(true) + 0.2, (float) $due->format('U.v'), 5);
        self::assertSame('moved', $this->pullOne(5)->message->body);
        $this->expectException(NotFoundException::class);
        $this->client->cancel($this->topic, $cancelled->id);
    }

    public function testManyArePublishedInBatchesAndAnsweredInOrder(): void
    {
        $this->pull();
        $items = (function (): \Generator {
            for ($i = 0; $i < 3_000; ++$i) {
                yield new PublishItem($this->topic, "body {$i}", new PublishOptions(id: "id-{$i}"));
            }
        })();
        $published = $this->client->publishMany($items);
        self::assertSame(array_map(static fn(int $i) => "id-{$i}", range(0, 2_999)), array_map(static fn(Published $one) => $one->id, $published));
        $seen = [];
        while (\count($seen) < 3_000) {
            $deliveries = $this->pull(1_000, 5);
            self::assertNotSame([], $deliveries);
            foreach ($deliveries as $delivery) {
                $seen[$delivery->message->body] = true;
            }
            foreach ($this->client->ack(array_map(static fn(Delivery $delivery) => $delivery->receipt, $deliveries)) as $result) {
                self::assertTrue($result->isOk());
            }
        }
    }

    public function testOfManyThoseThatAreRefusedAreNamed(): void
    {
        $items = [new PublishItem($this->topic, 'good'), new PublishItem('not a topic', 'bad'), new PublishItem($this->topic, 'good too')];
        try {
            $this->client->publishMany($items);
            self::fail('it was accepted');
        } catch (PublishManyException $exception) {
            self::assertFalse($exception->isRetryable());
            [$first, $second, $third] = $exception->results;
            self::assertInstanceOf(Published::class, $first);
            self::assertInstanceOf(InvalidArgumentException::class, $second);
            self::assertSame('topic', $second->field);
            self::assertInstanceOf(Published::class, $third);
        }
    }

    public function testOfManyThoseThatCannotBeSentAreNamedAndTheOthersAreSent(): void
    {
        $this->pull();
        $bad = [0, 1, 299, 300];
        $items = array_map(fn(int $at) => new PublishItem($this->topic, "body {$at}", match (true) {
            !\in_array($at, $bad, true) => new PublishOptions(id: "id-{$at}"),
            $at === 0 => new PublishOptions(ttl: 1e12),
            default => new PublishOptions(key: "\xFF"),
        }), range(0, 300));
        try {
            $this->client->publishMany($items);
            self::fail('all were accepted');
        } catch (PublishManyException $exception) {
            self::assertSame('ttl', $exception->getPrevious() instanceof InvalidArgumentException ? $exception->getPrevious()->field : null);
            foreach ($exception->results as $at => $result) {
                if ($result instanceof Published) {
                    self::assertSame("id-{$at}", $result->id);
                } else {
                    self::assertInstanceOf(InvalidArgumentException::class, $result);
                    self::assertContains($at, $bad);
                }
            }
            self::assertCount(301, $exception->results);
        }
        $got = 0;
        while ($got < 297 && ($deliveries = $this->pull(1_000, 5)) !== []) {
            $got += \count($deliveries);
        }
        self::assertSame(297, $got);
    }

    public function testOfManyOfWhichNoneCanBeSentNothingIsAsked(): void
    {
        $nobody = Client::connect(new ConnectOptions('127.0.0.1:1', deadline: 0.5));
        $bad = new PublishItem($this->topic, '', new PublishOptions(key: "\xFF"));
        try {
            $nobody->publishMany(array_fill(0, 300, $bad));
            self::fail('they were accepted');
        } catch (PublishManyException $exception) {
            self::assertCount(300, array_filter($exception->results, static fn($result) => $result instanceof InvalidArgumentException));
        }
        $this->expectException(InvalidArgumentException::class);
        $nobody->publishMany([$bad]);
    }

    public function testNothingIsPublishedOfNothing(): void
    {
        self::assertSame([], $this->client->publishMany([]));
        self::assertSame([], $this->client->pipeline()->flush());
    }

    public function testAPipelineIsUnderWayWhileTheApplicationDoesOtherThings(): void
    {
        $this->pull();
        $pipeline = $this->client->pipeline();
        $ids = [];
        $bodies = [];
        for ($i = 0; $i < 1_100; ++$i) {
            $ids[] = $pipeline->publish($this->topic, "body {$i}");
            if ($i % 100 === 99) {
                // On the same connection.
                foreach ($this->pull(1_000) as $delivery) {
                    $bodies[] = $delivery->message->body;
                    $delivery->ack();
                }
            }
        }
        self::assertGreaterThan(0, \count($bodies), 'full batches leave by themselves');
        self::assertLessThan(1_100, \count($bodies));
        self::assertSame($ids, array_map(static fn(Published $one) => $one->id, $pipeline->flush()));
        while (\count($bodies) < 1_100) {
            foreach ($this->pull(1_000, 5) as $delivery) {
                $bodies[] = $delivery->message->body;
                $delivery->ack();
            }
        }
        self::assertCount(1_100, array_unique($bodies));

        self::assertSame([], $pipeline->flush(), 'all had its result before');
        $again = $pipeline->publish($this->topic, 'again');
        self::assertSame([$again], array_map(static fn(Published $one) => $one->id, $pipeline->flush()));
    }

    public function testAPipelineNamesWhatWasRefusedAndGoesOn(): void
    {
        $this->pull();
        $pipeline = $this->client->pipeline();
        $pipeline->publish($this->topic, 'good');
        try {
            $pipeline->publish($this->topic, 'not a text', new PublishOptions(key: "\xFF"));
            self::fail('it was taken');
        } catch (InvalidArgumentException $exception) {
            self::assertStringContainsString('key', $exception->getMessage());
        }
        $pipeline->publish('not a topic', 'bad');
        try {
            $pipeline->flush();
            self::fail('it was accepted');
        } catch (PublishManyException $exception) {
            self::assertCount(2, $exception->results);
            self::assertInstanceOf(Published::class, $exception->results[0]);
            self::assertInstanceOf(InvalidArgumentException::class, $exception->results[1]);
        }
        $pipeline->publish($this->topic, 'good too');

        self::assertCount(1, $pipeline->flush());
    }

    public function testAWrongNameIsFinalAndNamesItsField(): void
    {
        try {
            $this->client->publish('not a topic', 'x');
            self::fail('it was accepted');
        } catch (InvalidArgumentException $exception) {
            self::assertFalse($exception->isRetryable());
            self::assertSame('TOPIC_INVALID', $exception->reason);
            self::assertSame('topic', $exception->field);
            self::assertNotNull($exception->limit);
            self::assertNotNull($exception->messageId);
        }
    }

    public function testABodyThatIsTooLargeIsFinal(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->client->publish($this->topic, str_repeat('x', 5 << 20));
    }

    public function testANackComesAgainAfterItsDelay(): void
    {
        $this->client->publish($this->topic, 'x');
        $this->pullOne()->nack(0.2, 'not now');
        $again = $this->pullOne(5);
        self::assertSame(2, $again->attempt);
        $again->nack();
        self::assertSame(3, $this->pullOne(5)->attempt);
    }

    public function testARejectedMessageDoesNotComeAgain(): void
    {
        $this->client->publish($this->topic, 'x');
        $this->pullOne()->reject("broken \xFF bytes");
        self::assertSame([], $this->pull(1, 1.5));
    }

    public function testAChannelKeepsItsRetryPolicy(): void
    {
        $this->client->publish($this->topic, 'x');
        $policy = RetryPolicy::exponential(1, 0.1, max: 1);
        $this->pullOne(options: new PullOptions(retry: $policy, wait: 3))->nack();
        self::assertSame(2, $this->pullOne(5)->attempt);
    }

    public function testALateAckIsStale(): void
    {
        $this->client->publish($this->topic, 'x');
        $delivery = $this->pullOne(options: new PullOptions(lease: 1, wait: 3));
        sleep(2);
        $this->expectException(StaleReceiptException::class);
        $delivery->ack();
    }

    public function testAnExtendedLeaseHolds(): void
    {
        $this->client->publish($this->topic, 'x');
        $delivery = $this->pullOne(options: new PullOptions(lease: 1, wait: 3));
        $delivery->extend(30);
        sleep(2);
        $delivery->ack();
        self::assertSame([], $this->pull());
    }

    public function testReceiptsAreSettledTogether(): void
    {
        $this->client->publishMany([new PublishItem($this->topic, 'a'), new PublishItem($this->topic, 'b')]);
        $receipts = array_map(static fn(Delivery $delivery) => $delivery->receipt, $this->pull(10, 3));
        $results = $this->client->ack([...$receipts, 'nonsense']);
        self::assertSame(SettleStatus::Unknown, array_pop($results)?->status);
        foreach ($results as $result) {
            self::assertSame(SettleStatus::Ok, $result->status);
        }
        self::assertSame([], $this->client->ack([]));
    }

    public function testAPatternReceivesItsTopics(): void
    {
        $this->client->pull("{$this->topic}.*", 'all', new PullOptions(wait: 0));
        $this->client->publish("{$this->topic}.created", 'x');
        $deliveries = $this->client->pull("{$this->topic}.*", 'all', new PullOptions(wait: 5));
        self::assertSame("{$this->topic}.created", $deliveries[0]->message->topic ?? null);
    }

    public function testARequestGetsItsReply(): void
    {
        $responder = $this->respond();
        $trace = '00-' . str_repeat('1', 32) . '-' . str_repeat('2', 16) . '-01';
        $reply = $this->client->request($this->topic, 'question', 10, (new PublishOptions())->withTraceparent($trace));
        pcntl_waitpid($responder, $status);
        self::assertSame('QUESTION', $reply->body);
        self::assertNotNull($reply->header(Headers::CORRELATION_ID));
        self::assertSame($trace, $reply->traceparent());
    }

    #[TestWith(['Publish', 1])]
    #[TestWith(['Pull', 1])]
    #[TestWith(['Ack', 1_000])]
    public function testARequestGetsItsReplyThoughAnswersOfTheGatewayAreLost(string $method, int $lost): void
    {
        $options = new ConnectOptions(self::gateway()->url());
        $client = new Client($options, new LossyTransport(Transports::open($options), "/waybill.v1.Bus/{$method}", $lost));
        $responder = $this->respond();
        $began = microtime(true);
        $reply = $client->request($this->topic, 'question', 20);
        pcntl_waitpid($responder, $status);
        self::assertSame('QUESTION', $reply->body);
        self::assertLessThan(10, microtime(true) - $began);
        $client->close();
    }

    public function testARequestKeepsItsTimeoutWhenTheGatewayIsAway(): void
    {
        $client = Client::connect('127.0.0.1:1');
        $began = microtime(true);
        try {
            $client->request($this->topic, 'anybody?', 0.3);
            self::fail('it was answered');
        } catch (UnavailableException) {
        }
        self::assertLessThan(2, microtime(true) - $began);
        $began = microtime(true);
        $client->close();
        self::assertLessThan(2, microtime(true) - $began);
    }

    public function testTheTopicOfTheRepliesGoesWithTheClient(): void
    {
        $client = self::gateway()->client();
        try {
            // Long enough to have begun to wait for the reply.
            $client->request($this->topic, 'anybody?', 2);
        } catch (DeadlineException) {
        }
        $replies = static fn(Client $client): array => iterator_to_array($client->admin()->topics('waybill.replies.'), false);
        $before = \count($replies($this->client));
        self::assertGreaterThan(0, $before);
        $client->close();
        self::assertCount($before - 1, $replies($this->client));
    }

    public function testAConnectionThatPhpDestroyedBeforeItsClientIsALostOne(): void
    {
        $client = self::gateway()->client();
        $client->publish($this->topic, 'x');
        $connection = self::part(self::part($client, 'transport'), 'connection');
        $socket = self::part($connection, 'socket');
        self::assertInstanceOf(Socket::class, $socket);
        // As the collector of cycles does, which knows no order.
        $socket->__destruct();
        $client->publish($this->topic, 'y');
        self::assertSame('x', $this->pullOne()->message->body);
        self::assertSame('y', $this->pullOne()->message->body);
    }

    public function testARequestWithoutAReplyMeetsItsDeadline(): void
    {
        $this->expectException(DeadlineException::class);
        $this->client->request($this->topic, 'anybody?', 0.5);
    }

    public function testAMessageThatIsNoRequestHasNoReply(): void
    {
        $this->client->publish($this->topic, 'x');
        $message = $this->pullOne()->message;
        $this->expectException(InvalidArgumentException::class);
        $this->client->reply($message, 'x');
    }

    public function testTheTraceContextOfTheApplicationTravelsByItself(): void
    {
        $trace = '00-' . str_repeat('c', 32) . '-' . str_repeat('d', 16) . '-01';
        $client = Client::connect(new ConnectOptions(self::gateway()->url(), traceparent: static fn() => $trace));
        $client->publish($this->topic, 'x');
        self::assertSame($trace, $this->pullOne()->message->traceparent());
    }

    public function testManyArePublishedToNobodyForNoLongerThanTheDeadline(): void
    {
        $client = Client::connect(new ConnectOptions('127.0.0.1:1', deadline: 0.5));
        $items = array_fill(0, 20_000, new PublishItem($this->topic, 'x'));
        $began = microtime(true);
        try {
            $client->publishMany($items);
            self::fail('they were accepted');
        } catch (PublishManyException $exception) {
            self::assertCount(20_000, $exception->results);
            self::assertTrue($exception->isRetryable() || $exception->results[0] instanceof UnavailableException);
        }
        self::assertLessThan(20, microtime(true) - $began);
    }

    public function testAGatewayThatIsAwayIsUnavailable(): void
    {
        $client = Client::connect(new ConnectOptions('127.0.0.1:1', deadline: 0.5));
        try {
            $client->publish($this->topic, 'x');
            self::fail('it was accepted');
        } catch (UnavailableException $exception) {
            self::assertTrue($exception->isRetryable());
            self::assertStringContainsString('127.0.0.1:1', $exception->getMessage());
        }
    }

    /**
     * @return list<Delivery>
     */
    private function pull(int $max = 1, float $wait = 0): array
    {
        return $this->client->pull($this->topic, 'test', new PullOptions($max, wait: $wait));
    }

    /** A process that answers one request. */
    private function respond(): int
    {
        $responder = pcntl_fork();
        if ($responder === 0) {
            try {
                $client = self::gateway()->client();
                foreach ($client->pull($this->topic, 'service', new PullOptions(wait: 10)) as $delivery) {
                    $client->reply($delivery->message, strtoupper($delivery->message->body));
                    $delivery->ack();
                }
            } finally {
                posix_kill((int) getmypid(), \SIGKILL);
            }
        }

        return $responder;
    }

    private static function part(object $whole, string $name): object
    {
        $part = (new \ReflectionProperty($whole, $name))->getValue($whole);

        return \is_object($part) ? $part : throw new \RuntimeException("{$name} is no object");
    }

    private function pullOne(float $wait = 3, ?PullOptions $options = null): Delivery
    {
        $deliveries = $this->client->pull($this->topic, 'test', $options ?? new PullOptions(wait: $wait));

        return $deliveries[0] ?? throw new \RuntimeException('no message came');
    }
}
