<?php

declare(strict_types=1);

// Answers one request with its text in capitals: url, topic, channel.

use Waybill\Client;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Delivery;

require __DIR__ . '/../../sdk-php/vendor/autoload.php';

[, $url, $topic, $channel] = $argv;

$client = Client::connect($url);
$client->consume($topic, $channel, static function (Delivery $delivery) use ($client): void {
    $client->reply($delivery->message, strtoupper($delivery->message->body));
}, new ConsumeOptions(maxMessages: 1, maxSeconds: 30));
