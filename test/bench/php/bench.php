<?php

declare(strict_types=1);

// One load, in a process of its own: says how many messages a second as a number. See main.ts for what is compared.

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;
use Waybill\Client;
use Waybill\Delivery;
use Waybill\PublishItem;
use Waybill\PullOptions;

require __DIR__ . '/../../../sdk-php/vendor/autoload.php';

const CHANNEL = 'bench';
const IN_FLIGHT = 1000;
const BATCH = 500;

[, $load, $url, $name, $count] = $argv;
$count = (int) $count;
$body = str_repeat('x', 256);

/** @param callable(): void $work */
function rate(int $count, callable $work): float
{
    $began = hrtime(true);
    $work();

    return $count / ((hrtime(true) - $began) / 1e9);
}

function amqpConnect(string $url): AMQPStreamConnection
{
    require_once 'PhpAmqpLib/autoload.php';
    $parts = parse_url($url);
    $vhost = rawurldecode(substr($parts['path'] ?? '/', 1));

    return new AMQPStreamConnection(
        $parts['host'],
        $parts['port'] ?? 5672,
        rawurldecode($parts['user'] ?? 'guest'),
        rawurldecode($parts['pass'] ?? 'guest'),
        $vhost === '' ? '/' : $vhost,
    );
}

/** As a Laravel driver or a hand-made publisher has it: a durable quorum queue, confirms, persistent messages. */
function amqp(string $url, string $queue): AMQPChannel
{
    $channel = amqpConnect($url)->channel();
    $channel->queue_declare($queue, false, true, false, false, false, new AMQPTable(['x-queue-type' => 'quorum']));
    $channel->confirm_select();

    return $channel;
}

function amqpPublish(AMQPChannel $channel, string $queue, string $body, int $count, int $inFlight): void
{
    for ($i = 1; $i <= $count; ++$i) {
        $message = new AMQPMessage($body, ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT]);
        $channel->basic_publish($message, '', $queue, true);
        if ($i % $inFlight === 0 || $i === $count) {
            $channel->wait_for_pending_acks_returns(60);
        }
    }
}

/** A client whose topic has a channel, so that what is published is routed and not parked. */
function waybill(string $url, string $topic): Client
{
    $client = Client::connect($url);
    $client->pull($topic, CHANNEL, new PullOptions(wait: 0));

    return $client;
}

function waybillPublishMany(Client $client, string $topic, string $body, int $count): void
{
    $client->publishMany((static function () use ($topic, $body, $count): Generator {
        for ($i = 0; $i < $count; ++$i) {
            yield new PublishItem($topic, $body);
        }
    })());
}

$rate = match ($load) {
    'amqplib publish one' => (static function () use ($url, $name, $count, $body): float {
        $channel = amqp($url, $name);

        return rate($count, static fn () => amqpPublish($channel, $name, $body, $count, 1));
    })(),
    'amqplib publish many' => (static function () use ($url, $name, $count, $body): float {
        $channel = amqp($url, $name);

        return rate($count, static fn () => amqpPublish($channel, $name, $body, $count, IN_FLIGHT));
    })(),
    'amqplib publish from requests' => (static function () use ($url, $name, $count, $body): float {
        amqp($url, $name)->getConnection()->close();

        return rate($count, static function () use ($url, $name, $count, $body): void {
            for ($i = 0; $i < $count; ++$i) {
                $connection = amqpConnect($url);
                $channel = $connection->channel();
                $channel->confirm_select();
                amqpPublish($channel, $name, $body, 1, 1);
                $connection->close();
            }
        });
    })(),
    'amqplib consume' => (static function () use ($url, $name, $count, $body): float {
        $channel = amqp($url, $name);
        amqpPublish($channel, $name, $body, $count, IN_FLIGHT);

        return rate($count, static function () use ($channel, $name, $count): void {
            $taken = 0;
            $channel->basic_qos(0, BATCH, false);
            $channel->basic_consume($name, '', false, false, false, false, static function (AMQPMessage $message) use (&$taken): void {
                ++$taken;
                $message->ack();
            });
            while ($taken < $count) {
                $channel->wait(null, false, 60);
            }
        });
    })(),
    'waybill publish one' => (static function () use ($url, $name, $count, $body): float {
        $client = waybill($url, $name);

        return rate($count, static function () use ($client, $name, $count, $body): void {
            for ($i = 0; $i < $count; ++$i) {
                $client->publish($name, $body);
            }
        });
    })(),
    'waybill publish many' => (static function () use ($url, $name, $count, $body): float {
        $client = waybill($url, $name);

        return rate($count, static fn () => waybillPublishMany($client, $name, $body, $count));
    })(),
    'waybill publish from requests' => (static function () use ($url, $name, $count, $body): float {
        waybill($url, $name)->close();

        return rate($count, static function () use ($url, $name, $count, $body): void {
            for ($i = 0; $i < $count; ++$i) {
                $client = Client::connect($url);
                $client->publish($name, $body);
                $client->close();
            }
        });
    })(),
    'waybill consume' => (static function () use ($url, $name, $count, $body): float {
        $client = waybill($url, $name);
        waybillPublishMany($client, $name, $body, $count);

        return rate($count, static function () use ($client, $name, $count): void {
            for ($taken = 0; $taken < $count; $taken += count($deliveries)) {
                $deliveries = $client->pull($name, CHANNEL, new PullOptions(BATCH, wait: 20));
                $client->ack(array_map(static fn (Delivery $delivery) => $delivery->receipt, $deliveries));
            }
        });
    })(),
};

echo $rate;
