<?php

declare(strict_types=1);

namespace App\Handlers;

use App\Trace;
use Illuminate\Database\ConnectionInterface;
use Waybill\Message;

/** Inserts an order of the message's name; the name `bad` throws after the insert. */
final readonly class WriteOrder
{
    public function __construct(private ConnectionInterface $database) {}

    public function handle(Message $message): void
    {
        $order = $message->json();
        $name = \is_array($order) && \is_string($order['name'] ?? null) ? $order['name'] : '';
        $this->database->table('orders')->insert(['name' => $name]);
        Trace::write("order {$name} from {$message->topic}");
        if ($name === 'bad') {
            throw new \DomainException('no such order');
        }
    }
}
