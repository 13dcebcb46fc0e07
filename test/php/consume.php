<?php

declare(strict_types=1);

// Takes one message and says as JSON what it got: url, topic, channel.

use Waybill\Client;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Delivery;

require __DIR__ . '/../../sdk-php/vendor/autoload.php';

[, $url, $topic, $channel] = $argv;

Client::connect($url)->consume($topic, $channel, static function (Delivery $delivery): void {
    $message = $delivery->message;
    echo json_encode(['id' => $message->id, 'body' => $message->body, 'key' => $message->key, 'traceparent' => $message->traceparent()]);
}, new ConsumeOptions(maxMessages: 1, maxSeconds: 20));
