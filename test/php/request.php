<?php

declare(strict_types=1);

// Asks once and says as JSON what was answered: url, topic, body.

use Waybill\Client;
use Waybill\Exception\ReplyException;

require __DIR__ . '/../../sdk-php/vendor/autoload.php';

[, $url, $topic, $body] = $argv;

$client = Client::connect($url);
try {
    $reply = $client->request($topic, $body, 30);
    echo json_encode(['body' => $reply->body, 'traceparent' => $reply->traceparent()]);
} catch (ReplyException $error) {
    echo json_encode(['error' => $error->getMessage(), 'reason' => $error->reason, 'details' => $error->reply->body]);
}
$client->close();
