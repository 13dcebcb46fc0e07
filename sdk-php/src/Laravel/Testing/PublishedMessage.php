<?php

declare(strict_types=1);

namespace Waybill\Laravel\Testing;

use Waybill\PublishOptions;

/** A message that would have been published. */
final readonly class PublishedMessage
{
    /**
     * @param bool $outbox it would have been written into the outbox
     */
    public function __construct(
        public string $id,
        public string $topic,
        public string $body,
        public PublishOptions $options,
        public bool $outbox,
    ) {}

    /** The body as JSON, objects as arrays. */
    public function json(): mixed
    {
        return json_decode($this->body, true, 512, \JSON_THROW_ON_ERROR);
    }
}
