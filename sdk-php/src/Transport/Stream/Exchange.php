<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

use Waybill\Status;
use Waybill\Transport\Call;
use Waybill\Transport\GrpcResponse;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;

/**
 * One call on its HTTP/2 stream.
 *
 * @internal
 */
final class Exchange
{
    /** Set when the call is over. */
    public ?Reply $reply = null;

    /** How many bytes of `$body` are on the way. */
    public int $sent = 0;

    /** The request in its gRPC envelope. */
    public readonly string $body;

    public readonly float $begunAt;

    private string $received = '';

    /** @var array<string, string> */
    private array $headers = [];

    /**
     * @param int $window how many more bytes the gateway takes on this stream
     * @param int $startsAt how many bytes were queued on the connection before this call
     */
    public function __construct(
        public readonly int $id,
        public readonly Call $call,
        public int $window,
        public readonly int $startsAt,
    ) {
        $this->begunAt = Monotonic::now();
        $this->body = "\0" . pack('N', \strlen($call->request)) . $call->request;
    }

    /**
     * @param array<string, string> $headers the first of an answer, or its trailers
     */
    public function receiveHeaders(array $headers): void
    {
        // 100 and its like come before the real ones.
        if (($headers[':status'][0] ?? '') !== '1') {
            $this->headers = [...$this->headers, ...$headers];
        }
    }

    public function receive(string $bytes): void
    {
        $this->received .= $bytes;
    }

    /** The gateway has said all. */
    public function end(): void
    {
        $this->reply ??= GrpcResponse::reply($this->headers, $this->received);
    }

    /** The gateway ended the stream before its time. */
    public function reset(int $error): void
    {
        $this->reply ??= match (true) {
            $error === Frame::REFUSED_STREAM => Reply::unprocessed('the gateway refused the call'),
            // After an answer that says why: what the answer says.
            isset($this->headers['grpc-status']) => GrpcResponse::reply($this->headers, $this->received),
            $error === Frame::CANCEL => Reply::failed(Status::Cancelled, 'the gateway cancelled the call'),
            $error === Frame::ENHANCE_YOUR_CALM => Reply::failed(Status::ResourceExhausted, 'the gateway asks for fewer calls'),
            $error === Frame::INADEQUATE_SECURITY => Reply::failed(Status::PermissionDenied, 'the gateway asks for better encryption'),
            default => Reply::failed(Status::Internal, "the gateway reset the call with HTTP/2 error {$error}"),
        };
    }
}
