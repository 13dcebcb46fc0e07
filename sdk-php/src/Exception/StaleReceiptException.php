<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** The lease ended, or the message was settled otherwise: nothing was changed, and somebody else may have the message. */
final class StaleReceiptException extends FailedPreconditionException
{
    public static function of(string $receipt): self
    {
        return new self(
            "the receipt {$receipt} is stale: its lease ended, or the message was settled otherwise",
            new Details(Status::FailedPrecondition, 'RECEIPT_STALE'),
        );
    }
}
