<?php

declare(strict_types=1);

namespace Waybill;

/** One message of many that are published together. */
final readonly class PublishItem
{
    /**
     * @param string $topic 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`
     * @param string $body any bytes, up to the gateway's `MaxMessageBytes` (4 MiB unless set)
     */
    public function __construct(
        public string $topic,
        public string $body,
        public PublishOptions $options = new PublishOptions(),
    ) {}
}
