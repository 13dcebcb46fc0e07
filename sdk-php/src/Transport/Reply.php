<?php

declare(strict_types=1);

namespace Waybill\Transport;

use Waybill\Status;

/** How a call ended. */
final readonly class Reply
{
    /**
     * @param string $body the encoded answer; empty unless the status is Ok
     * @param string $message for people; empty when the status is Ok
     * @param string $details the bytes of a `google.rpc.Status`, where the gateway sent one
     * @param bool $unprocessed the gateway has certainly not begun with it: any call is safe to send again
     */
    private function __construct(
        public Status $status,
        public string $body,
        public string $message,
        public string $details,
        public bool $unprocessed,
    ) {}

    public static function ok(string $body): self
    {
        return new self(Status::Ok, $body, '', '', false);
    }

    public static function failed(Status $status, string $message, string $details = ''): self
    {
        return new self($status, '', $message, $details, false);
    }

    /** It did not reach a gateway, or the gateway said that it has not looked at it. */
    public static function unprocessed(string $message): self
    {
        return new self(Status::Unavailable, '', $message, '', true);
    }

    /** It may have been done or not. */
    public static function connectionLost(string $message): self
    {
        return new self(Status::Unavailable, '', $message, '', false);
    }

    public static function deadlineExceeded(): self
    {
        return new self(Status::DeadlineExceeded, '', 'the deadline passed before the gateway answered', '', false);
    }

    /** The deadline had passed before there was anything to send it by. */
    public static function tooLate(): self
    {
        return new self(Status::DeadlineExceeded, '', 'the deadline passed before the call was sent', '', true);
    }

    public static function cancelled(): self
    {
        return new self(Status::Cancelled, '', 'the call was cancelled', '', false);
    }
}
