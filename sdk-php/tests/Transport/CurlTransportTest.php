<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\Group;
use Waybill\Status;
use Waybill\Transport\Kind;
use Waybill\Transport\Reply;

/** Needs ext-curl with a sound libcurl, and so is not among the default tests. */
#[Group('curl')]
final class CurlTransportTest extends MultiplexingTestCase
{
    protected static function kind(): Kind
    {
        return Kind::Curl;
    }

    protected static function longestHeaderBytes(): int
    {
        return 60_000;
    }

    /** curl does not say that a gateway refused a call before it closes the connection. */
    protected static function mayBeMadeAgain(Reply $reply): bool
    {
        return $reply->unprocessed || $reply->status === Status::Unavailable;
    }
}
