<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** CANCELLED: the caller asked for the end of a call that waited, such as a consumer that was told to stop. */
final class CancelledException extends WaybillException
{
    public static function byCaller(): self
    {
        return new self('the call was cancelled', new Details(Status::Cancelled));
    }
}
