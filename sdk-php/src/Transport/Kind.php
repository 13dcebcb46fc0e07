<?php

declare(strict_types=1);

namespace Waybill\Transport;

use Waybill\Exception\InvalidArgumentException;

/** The HTTP/2 clients that can carry calls. All behave alike; one conformance suite runs over all. */
enum Kind: string
{
    /** PHP's own sockets: needs nothing, and is the fastest for one call at a time. */
    case Stream = 'stream';

    /** ext-curl, where its libcurl is sound. */
    case Curl = 'curl';

    /** The PECL extension; not for processes that fork. */
    case Grpc = 'grpc';

    public static function named(string $name): self
    {
        return self::tryFrom($name) ?? throw InvalidArgumentException::option('transport', "\"{$name}\"", 'stream, curl or grpc');
    }
}
