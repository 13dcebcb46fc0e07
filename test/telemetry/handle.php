<?php

declare(strict_types=1);

// Takes one message, handles it in a span that continues the trace of its publisher, and sends that span to a collector as
// OTLP/JSON: url, topic, channel, collector.

use Waybill\Client;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Delivery;

require __DIR__ . '/../../sdk-php/vendor/autoload.php';

[, $url, $topic, $channel, $collector] = $argv;

Client::connect($url)->consume($topic, $channel, static function (Delivery $delivery) use ($collector): void {
    $start = (int) (microtime(true) * 1e9);
    [, $traceId, $parent] = explode('-', $delivery->message->traceparent() ?? throw new RuntimeException('the message has no trace'));
    $span = [
        'traceId' => $traceId,
        'spanId' => bin2hex(random_bytes(8)),
        'parentSpanId' => $parent,
        'name' => 'handle ' . $delivery->message->topic,
        'kind' => 5,
        'startTimeUnixNano' => (string) $start,
        'endTimeUnixNano' => (string) (int) (microtime(true) * 1e9),
        'attributes' => [['key' => 'messaging.message.id', 'value' => ['stringValue' => $delivery->message->id]]],
    ];
    $resource = ['attributes' => [['key' => 'service.name', 'value' => ['stringValue' => 'mailer']]]];
    $export = ['resourceSpans' => [['resource' => $resource, 'scopeSpans' => [['spans' => [$span]]]]]];
    $sent = file_get_contents("{$collector}/v1/traces", false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: application/json',
        'content' => json_encode($export, JSON_THROW_ON_ERROR),
    ]]));
    if ($sent === false) {
        throw new RuntimeException('the span could not be sent');
    }
}, new ConsumeOptions(maxMessages: 1, maxSeconds: 60));
