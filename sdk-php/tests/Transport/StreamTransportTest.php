<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use Waybill\Transport\Kind;

final class StreamTransportTest extends MultiplexingTestCase
{
    protected static function kind(): Kind
    {
        return Kind::Stream;
    }
}
