<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** The lock ran out before it was renewed: somebody else may have it by now. */
final class LockLostException extends FailedPreconditionException
{
    public static function of(string $lock, ?\Throwable $previous = null): self
    {
        return new self(
            "the lock \"{$lock}\" is lost: it ran out before it was renewed",
            new Details(Status::FailedPrecondition, 'LOCK_LOST'),
            $previous,
        );
    }
}
