<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\ConnectOptions;
use Waybill\Duration;
use Waybill\Headers;
use Waybill\PublishItem;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Wire;

/**
 * Items as messages of the wire. Names and sizes are the gateway's to judge.
 *
 * @internal
 */
final readonly class Encoder
{
    public function __construct(private ConnectOptions $options) {}

    /** The fields of `waybill.v1.Message`, by their numbers. */
    public function encode(PublishItem $item): Encoded
    {
        $options = $item->options;
        $id = $options->id === '' ? MessageId::make() : $options->id;
        $bytes = Wire::text(1, $id, 'id')
            . Wire::text(2, $item->topic, 'topic')
            . Wire::bytes(3, $item->body)
            . Wire::text(5, $options->key, 'key');
        foreach ($this->headers($options->headers) as $name => $value) {
            $bytes .= Wire::message(4, Wire::text(1, (string) $name, 'headers') . Wire::text(2, $value, "headers[\"{$name}\"]"));
        }
        if ($options->delay !== null) {
            $bytes .= Wire::int(6, Duration::milliseconds($options->delay, 'delay'));
        }
        if ($options->due !== null) {
            // 0 would be: none given.
            $bytes .= Wire::int(7, max(1, Convert::milliseconds($options->due)));
        }
        if ($options->ttl !== null) {
            $bytes .= Wire::int(8, Duration::milliseconds($options->ttl, 'ttl'));
        }

        return new Encoded($id, $bytes);
    }

    /**
     * @param array<array-key, string> $headers
     *
     * @return array<array-key, string>
     */
    private function headers(array $headers): array
    {
        if ($this->options->traceparent === null || isset($headers[Headers::TRACEPARENT])) {
            return $headers;
        }
        $traceparent = ($this->options->traceparent)();

        return $traceparent === null ? $headers : $headers + [Headers::TRACEPARENT => $traceparent];
    }
}
