<?php

declare(strict_types=1);

namespace Waybill\Transport;

use Waybill\Status;

/**
 * What an HTTP/2 response says of a gRPC call.
 *
 * @internal
 */
final class GrpcResponse
{
    private const ENVELOPE_BYTES = 5;

    /**
     * @param array<string, string> $headers with the trailers, by names in lower case
     */
    public static function reply(array $headers, string $body): Reply
    {
        $status = $headers['grpc-status'] ?? null;
        if ($status === null) {
            return self::withoutStatus($headers[':status'] ?? '');
        }
        if ($status !== '0') {
            $details = base64_decode($headers['grpc-status-details-bin'] ?? '', true);

            return Reply::failed(
                Status::of(ctype_digit($status) ? (int) $status : -1),
                rawurldecode($headers['grpc-message'] ?? ''),
                $details === false ? '' : $details,
            );
        }
        if (\strlen($body) < self::ENVELOPE_BYTES) {
            return Reply::failed(Status::Internal, 'the answer has no message');
        }
        if ($body[0] !== "\0") {
            return Reply::failed(Status::Internal, 'the answer is compressed, which was not asked for');
        }
        $message = substr($body, self::ENVELOPE_BYTES);
        if (pack('N', \strlen($message)) !== substr($body, 1, 4)) {
            return Reply::failed(Status::Internal, 'the answer is cut off, or more than one');
        }

        return Reply::ok($message);
    }

    /** From a proxy or a server that speaks no gRPC: as gRPC maps HTTP. */
    private static function withoutStatus(string $http): Reply
    {
        $status = match ($http) {
            '400' => Status::Internal,
            '401' => Status::Unauthenticated,
            '403' => Status::PermissionDenied,
            '404' => Status::Unimplemented,
            '429', '502', '503', '504' => Status::Unavailable,
            default => Status::Unknown,
        };

        return Reply::failed($status, "the answer has HTTP status {$http} and no gRPC status");
    }

    private function __construct() {}
}
