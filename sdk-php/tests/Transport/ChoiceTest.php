<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Status;
use Waybill\Transport\Curl\CurlTransport;
use Waybill\Transport\GrpcResponse;
use Waybill\Transport\Kind;

final class ChoiceTest extends TestCase
{
    #[TestWith(['7.88.1', 'this libcurl, 7.88.1, breaks HTTP/2; curl needs 8.14.0 or newer'])]
    #[TestWith(['8.5.0', 'this libcurl, 8.5.0, breaks HTTP/2; curl needs 8.14.0 or newer'])]
    #[TestWith(['8.14.1', null])]
    #[TestWith(['9.0.0', null])]
    public function testALibcurlThatBreaksHttp2IsRefused(string $version, ?string $refusal): void
    {
        self::assertSame($refusal, CurlTransport::refusal(['version' => $version, 'features' => 65536]));
    }

    public function testALibcurlWithoutHttp2IsRefused(): void
    {
        self::assertSame('this libcurl was built without HTTP/2', CurlTransport::refusal(['version' => '8.14.1', 'features' => 0]));
        self::assertSame('ext-curl is not loaded', CurlTransport::refusal([]));
    }

    public function testATransportThatIsNotThereSaysSo(): void
    {
        if (\extension_loaded('grpc')) {
            self::assertNotSame(Kind::Stream, Kind::named('grpc'));

            return;
        }
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('ext-grpc is not loaded');
        Client::connect(new ConnectOptions(transport: Kind::Grpc));
    }

    #[TestWith(['401', Status::Unauthenticated])]
    #[TestWith(['403', Status::PermissionDenied])]
    #[TestWith(['404', Status::Unimplemented])]
    #[TestWith(['503', Status::Unavailable])]
    #[TestWith(['200', Status::Unknown])]
    public function testAnAnswerOfAProxyHasAStatusToo(string $http, Status $status): void
    {
        self::assertSame($status, GrpcResponse::reply([':status' => $http], '')->status);
    }

    #[TestWith([''])]
    #[TestWith(["\1\0\0\0\1x"])]
    #[TestWith(["\0\0\0\0\2x"])]
    #[TestWith(["\0\0\0\0\1xy"])]
    public function testAnAnswerThatIsNotOneMessageIsAFault(string $body): void
    {
        self::assertSame(Status::Internal, GrpcResponse::reply([':status' => '200', 'grpc-status' => '0'], $body)->status);
    }
}
