<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** Which exception stands for which status. */
final class Failure
{
    public static function of(string $message, Details $details, ?\Throwable $previous = null): WaybillException
    {
        return match ($details->status) {
            Status::InvalidArgument, Status::OutOfRange => new InvalidArgumentException($message, $details, $previous),
            Status::Unavailable, Status::Aborted => new UnavailableException($message, $details, $previous),
            Status::DeadlineExceeded => new DeadlineException($message, $details, $previous),
            // It also stands for a message that is too large, now and later: it is worth a retry only where the reason says so.
            Status::ResourceExhausted => \in_array($details->reason, ['OVERLOADED', 'RATE_LIMITED'], true)
                ? new OverloadedException($message, $details, $previous)
                : new InvalidArgumentException($message, $details, $previous),
            Status::NotFound => new NotFoundException($message, $details, $previous),
            Status::FailedPrecondition, Status::AlreadyExists => new FailedPreconditionException($message, $details, $previous),
            Status::Unauthenticated, Status::PermissionDenied => new AccessException($message, $details, $previous),
            Status::Unimplemented => new UnimplementedException($message, $details, $previous),
            Status::Cancelled => new CancelledException($message, $details, $previous),
            Status::Ok, Status::Unknown, Status::Internal, Status::DataLoss => new InternalException($message, $details, $previous),
        };
    }

    private function __construct() {}
}
