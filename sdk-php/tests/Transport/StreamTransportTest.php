<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\TestWith;
use Waybill\Tests\Support\EchoServer;
use Waybill\Transport\Kind;

final class StreamTransportTest extends MultiplexingTestCase
{
    #[TestWith([-3600])]
    #[TestWith([3600])]
    public function testASilentServerIsAskedInTimeWhenTheClockIsSet(int $seconds): void
    {
        $server = new EchoServer();
        $server->pause();
        try {
            self::assertSame('Unavailable in time', self::callWhileTheClockIsSet($server, $seconds, deadline: 60, keepalive: 1));
        } finally {
            $server->resume();
        }
    }

    protected static function kind(): Kind
    {
        return Kind::Stream;
    }
}
