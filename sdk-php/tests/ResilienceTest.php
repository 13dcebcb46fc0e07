<?php

declare(strict_types=1);

namespace Waybill\Tests;

use PHPUnit\Framework\TestCase;
use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Delivery;
use Waybill\Exception\DeadlineException;
use Waybill\Outcome;
use Waybill\PublishOptions;
use Waybill\PullOptions;
use Waybill\Tests\Support\Gateway;

final class ResilienceTest extends TestCase
{
    public function testAPublishWaitsForAGatewayThatComesBack(): void
    {
        $file = sys_get_temp_dir() . '/waybill-php-' . bin2hex(random_bytes(6)) . '.db';
        $gateway = new Gateway(['DataFile' => $file]);
        try {
            $client = $gateway->client();
            $topic = 'php.' . bin2hex(random_bytes(6));
            $client->publish($topic, 'before');
            $gateway->kill();
            $publisher = pcntl_fork();
            if ($publisher === 0) {
                try {
                    $gateway->client()->publish($topic, 'meanwhile');
                } finally {
                    posix_kill((int) getmypid(), \SIGKILL);
                }
            }
            sleep(1);
            $gateway->start();
            $client->publish($topic, 'after');
            pcntl_waitpid($publisher, $status);
            $bodies = [];
            while (\count($bodies) < 3) {
                foreach ($client->pull($topic, 'test', new PullOptions(10, wait: 5)) as $delivery) {
                    $bodies[] = $delivery->message->body;
                    $delivery->ack();
                }
            }
            sort($bodies);
            self::assertSame(['after', 'before', 'meanwhile'], $bodies);
        } finally {
            $gateway->kill();
            array_map(unlink(...), glob("{$file}*") ?: []);
        }
    }

    public function testAPipelineOutlivesItsGatewayAndPublishesNothingTwice(): void
    {
        $file = sys_get_temp_dir() . '/waybill-php-' . bin2hex(random_bytes(6)) . '.db';
        $gateway = new Gateway(['DataFile' => $file]);
        try {
            $client = $gateway->client();
            $topic = 'php.' . bin2hex(random_bytes(6));
            $client->pull($topic, 'test', new PullOptions(wait: 0));
            $pipeline = $client->pipeline();
            for ($i = 0; $i < 3_000; ++$i) {
                $pipeline->publish($topic, "body {$i}");
                if ($i % 1_000 === 600) {
                    // Two batches have left, and the second may not be answered yet.
                    $gateway->kill();
                    $gateway->start();
                }
            }
            self::assertCount(3_000, $pipeline->flush());
            $bodies = [];
            while (\count($bodies) < 3_000) {
                $deliveries = $client->pull($topic, 'test', new PullOptions(1_000, wait: 10));
                self::assertNotSame([], $deliveries, \count($bodies) . ' came');
                foreach ($deliveries as $delivery) {
                    $bodies[] = $delivery->message->body;
                }
                $client->ack(array_map(static fn(Delivery $delivery) => $delivery->receipt, $deliveries));
            }
            self::assertCount(3_000, array_unique($bodies));
            self::assertSame([], $client->pull($topic, 'test', new PullOptions(10, wait: 0.5)));
        } finally {
            $gateway->kill();
            array_map(unlink(...), glob("{$file}*") ?: []);
        }
    }

    public function testARequestKeepsItsTimeoutWhenTheGatewayFreezes(): void
    {
        $gateway = new Gateway();
        $client = $gateway->client();
        $topic = 'php.' . bin2hex(random_bytes(6));
        $client->publish($topic, 'connected');
        $freezer = pcntl_fork();
        if ($freezer === 0) {
            // By then it waits for the reply.
            usleep(500_000);
            $gateway->pause();
            posix_kill((int) getmypid(), \SIGKILL);
        }
        $began = microtime(true);
        try {
            $client->request($topic, 'anybody?', 1.5);
            self::fail('a frozen gateway has answered');
        } catch (DeadlineException $exception) {
            self::assertSame('NO_REPLY', $exception->reason);
            self::assertNotNull($exception->messageId);
        }
        self::assertLessThan(3, microtime(true) - $began);
        $client->close();
        self::assertLessThan(5, microtime(true) - $began);
        pcntl_waitpid($freezer, $status);
        $gateway->kill();
    }

    public function testAFrozenGatewayIsADeadlineAndTheSameIdMakesSure(): void
    {
        $gateway = new Gateway();
        $client = Client::connect(new ConnectOptions($gateway->url(), deadline: 1));
        $topic = 'php.' . bin2hex(random_bytes(6));
        $client->pull($topic, 'test', new PullOptions(wait: 0));
        $gateway->pause();
        try {
            $client->publish($topic, 'x');
            self::fail('a frozen gateway has answered');
        } catch (DeadlineException $exception) {
            self::assertTrue($exception->isRetryable());
            $id = (string) $exception->messageId;
        } finally {
            $gateway->resume();
        }
        $outcome = $gateway->client()->publish($topic, 'x', new PublishOptions(id: $id))->outcome;
        self::assertContains($outcome, [Outcome::Accepted, Outcome::Duplicate]);
        self::assertCount(1, $client->pull($topic, 'test', new PullOptions(10, wait: 2)));
        self::assertSame([], $client->pull($topic, 'test', new PullOptions(10, wait: 0.5)));
        $gateway->kill();
    }
}
