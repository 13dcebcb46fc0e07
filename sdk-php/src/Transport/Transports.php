<?php

declare(strict_types=1);

namespace Waybill\Transport;

use Waybill\ConnectOptions;
use Waybill\Transport\Curl\CurlTransport;
use Waybill\Transport\Grpc\GrpcExtTransport;
use Waybill\Transport\Stream\StreamTransport;

/** Makes the transport that the options name. */
final class Transports
{
    public static function open(ConnectOptions $options): Transport
    {
        return match ($options->transport) {
            Kind::Stream => new StreamTransport($options),
            Kind::Curl => new CurlTransport($options),
            Kind::Grpc => new GrpcExtTransport($options),
        };
    }

    private function __construct() {}
}
