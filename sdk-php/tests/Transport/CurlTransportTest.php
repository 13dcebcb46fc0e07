<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\Group;
use Waybill\Transport\Kind;

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
}
