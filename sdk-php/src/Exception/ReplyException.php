<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Headers;
use Waybill\Message;
use Waybill\Status;

/** The answer to a request is an error: who answered says so, in words, and with `reply->body` as JSON where there is more to say. */
final class ReplyException extends WaybillException
{
    public function __construct(string $message, Details $details, public readonly Message $reply)
    {
        parent::__construct($message, $details);
    }

    public static function of(Message $reply, string $requestId): self
    {
        $details = new Details(Status::Unknown, 'REPLY_ERROR', messageId: $requestId);

        return new self($reply->header(Headers::ERROR) ?? '', $details, $reply);
    }
}
