<?php

declare(strict_types=1);

// Publishes one message with trace context: url, topic, body, traceparent.

use Waybill\Client;
use Waybill\PublishOptions;

require __DIR__ . '/../../sdk-php/vendor/autoload.php';

[, $url, $topic, $body, $traceparent] = $argv;

$options = (new PublishOptions(key: 'from PHP', headers: ['language' => 'PHP']))->withTraceparent($traceparent);
echo Client::connect($url)->publish($topic, $body, $options)->id;
