<?php

declare(strict_types=1);

// Laravel's queue on php-amqplib, as one would make it who wants no job lost: durable quorum queues, persistent messages, confirms.

use Illuminate\Contracts\Queue\Queue as QueueContract;
use Illuminate\Queue\Connectors\ConnectorInterface;
use Illuminate\Queue\Queue;
use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

final class AmqpConnector implements ConnectorInterface
{
    public function __construct(private readonly string $url) {}

    public function connect(array $config): QueueContract
    {
        $url = parse_url($this->url);
        $vhost = rawurldecode(substr($url['path'] ?? '/', 1));
        $connection = new AMQPStreamConnection($url['host'], $url['port'], $url['user'], $url['pass'], $vhost === '' ? '/' : $vhost);
        $channel = $connection->channel();
        $channel->confirm_select();

        return new AmqpQueue($channel);
    }
}

/** Dispatches; that is all that is compared. */
final class AmqpQueue extends Queue implements QueueContract
{
    private const CONFIRM_SECONDS = 60;

    /** While true, confirms are waited for by `confirm` alone. */
    public bool $pipelined = false;

    public function __construct(private readonly AMQPChannel $channel) {}

    public function pop($queue = null)
    {
        $this->channel->queue_declare('bench', false, true, false, false, false, new AMQPTable(['x-queue-type' => 'quorum']));

        return null;
    }

    public function push($job, $data = '', $queue = null)
    {
        return $this->pushRaw($this->createPayload($job, 'bench', $data));
    }

    public function pushRaw($payload, $queue = null, array $options = [])
    {
        $this->channel->basic_publish(new AMQPMessage($payload, ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT]), '', 'bench', true);
        if (!$this->pipelined) {
            $this->confirm();
        }

        return null;
    }

    public function bulk($jobs, $data = '', $queue = null)
    {
        $this->pipelined = true;
        foreach ($jobs as $job) {
            $this->push($job, $data, $queue);
        }
        $this->pipelined = false;
        $this->confirm();
    }

    public function confirm(): void
    {
        $this->channel->wait_for_pending_acks_returns(self::CONFIRM_SECONDS);
    }

    public function later($delay, $job, $data = '', $queue = null)
    {
        throw new LogicException('RabbitMQ has no delayed messages by itself');
    }

    public function size($queue = null)
    {
        return 0;
    }

    public function pendingSize($queue = null)
    {
        return 0;
    }

    public function delayedSize($queue = null)
    {
        return 0;
    }

    public function reservedSize($queue = null)
    {
        return 0;
    }

    public function creationTimeOfOldestPendingJob($queue = null)
    {
        return null;
    }
}
