<?php

declare(strict_types=1);

namespace Waybill;

/** The message headers that have a meaning to this package, and to the SDKs of other languages. */
final class Headers
{
    /** W3C trace context: `00-<trace id>-<span id>-<flags>`. */
    public const TRACEPARENT = 'traceparent';

    /** On a request: the topic that the reply is published to. */
    public const REPLY_TO = 'waybill-reply-to';

    /** On a request and its reply: which request it is. */
    public const CORRELATION_ID = 'waybill-correlation-id';

    /** On a reply that is an error: what went wrong, in words. Its body is the error's details as JSON, or empty. */
    public const ERROR = 'waybill-error';

    private function __construct() {}
}
