<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** Somebody else has the lock, and had it until the wait was over. */
final class LockHeldException extends FailedPreconditionException implements Retryable
{
    public static function of(string $lock): self
    {
        return new self(
            "somebody else holds the lock \"{$lock}\"",
            new Details(Status::FailedPrecondition, 'LOCK_HELD'),
        );
    }
}
