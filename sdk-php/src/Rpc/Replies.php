<?php

declare(strict_types=1);

namespace Waybill\Rpc;

use Waybill\Exception\Details;
use Waybill\Exception\Failure;
use Waybill\Exception\WaybillException;
use Waybill\Status;
use Waybill\Transport\Reply;

/**
 * The one place where a gRPC status becomes an exception.
 *
 * @internal
 */
final class Replies
{
    public static function exception(Reply $reply): WaybillException
    {
        return Failure::of($reply->message, self::details($reply));
    }

    /** What the gateway's `google.rpc.ErrorInfo` says, if it is Waybill's. */
    public static function details(Reply $reply): Details
    {
        $info = $reply->details === '' ? null : ErrorInfo::find($reply->details);
        if ($info === null || $info->domain !== 'waybill') {
            return new Details($reply->status);
        }

        return new Details(
            $reply->status,
            $info->reason,
            $info->metadata['field'] ?? null,
            $info->metadata['limit'] ?? null,
            $info->metadata['log_id'] ?? null,
        );
    }

    private function __construct() {}
}
