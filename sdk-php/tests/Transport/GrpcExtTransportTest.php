<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\Group;
use Waybill\Transport\Kind;

/** Needs ext-grpc, and so is not among the default tests. */
#[Group('grpc')]
final class GrpcExtTransportTest extends ConformanceTestCase
{
    protected static function kind(): Kind
    {
        return Kind::Grpc;
    }
}
