<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/**
 * Every failure that this package reports. The subclasses are a closed set; those that implement `Retryable` may succeed later.
 */
abstract class WaybillException extends \RuntimeException
{
    /** The gRPC status. */
    public readonly Status $status;

    /** Stable, in upper snake case: `NAME_INVALID`, `BROKER_UNAVAILABLE`, …; empty when the gateway gave none. */
    public readonly string $reason;

    /** The field or option that is wrong. */
    public readonly ?string $field;

    /** What that field may be, in words. */
    public readonly ?string $limit;

    /** Under which the gateway's log tells more, for a fault of the gateway itself. */
    public readonly ?string $logId;

    /** The message that was published, for a publish that was sent: publish it again under this id to make sure. */
    public readonly ?string $messageId;

    public function __construct(string $message, Details $details, ?\Throwable $previous = null)
    {
        parent::__construct($message, $details->status->value, $previous);
        $this->status = $details->status;
        $this->reason = $details->reason;
        $this->field = $details->field;
        $this->limit = $details->limit;
        $this->logId = $details->logId;
        $this->messageId = $details->messageId;
    }

    final public function isRetryable(): bool
    {
        return $this instanceof Retryable;
    }
}
