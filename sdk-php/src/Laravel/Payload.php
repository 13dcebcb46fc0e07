<?php

declare(strict_types=1);

namespace Waybill\Laravel;

use Illuminate\Contracts\Support\Arrayable;
use Illuminate\Contracts\Support\Jsonable;
use Waybill\PublishItem;
use Waybill\PublishOptions;

/**
 * What an application publishes, as bytes.
 *
 * @internal
 */
final class Payload
{
    private const CONTENT_TYPE = 'content-type';

    /**
     * @throws \JsonException
     */
    public static function item(string $topic, mixed $payload, PublishOptions $options): PublishItem
    {
        if (\is_string($payload)) {
            return new PublishItem($topic, $payload, $options);
        }
        $json = match (true) {
            $payload instanceof Jsonable => $payload->toJson(\JSON_THROW_ON_ERROR),
            $payload instanceof Arrayable => self::encode($payload->toArray()),
            default => self::encode($payload),
        };

        return new PublishItem($topic, $json, isset($options->headers[self::CONTENT_TYPE]) ? $options : $options->withHeader(self::CONTENT_TYPE, 'application/json'));
    }

    private static function encode(mixed $payload): string
    {
        return json_encode($payload, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE);
    }

    private function __construct() {}
}
