<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/**
 * INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a message that is too large: `field` and `limit` say what is wrong. The same call never succeeds.
 */
final class InvalidArgumentException extends WaybillException
{
    /** An option of this package that is out of range. */
    public static function option(string $field, string $given, string $limit): self
    {
        return new self(
            "{$field} is {$given}: it takes {$limit}",
            new Details(Status::InvalidArgument, 'OPTION_INVALID', $field, $limit),
        );
    }
}
