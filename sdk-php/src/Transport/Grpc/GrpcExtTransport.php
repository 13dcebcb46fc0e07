<?php

declare(strict_types=1);

namespace Waybill\Transport\Grpc;

use Grpc\Call as ExtCall;
use Grpc\Channel;
use Grpc\ChannelCredentials;
use Grpc\Timeval;
use Waybill\ConnectOptions;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Status;
use Waybill\TlsOptions;
use Waybill\Transport\Call;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;

/**
 * gRPC over the PECL extension.
 *
 * The extension waits in C, where PHP sees no signal, and hangs in a child of a process that used it (grpc#11711): a call that may be
 * cancelled ends at its deadline, and a forked process is refused.
 */
final class GrpcExtTransport implements Transport
{
    private ?Channel $channel = null;
    private readonly int $pid;

    public function __construct(private readonly ConnectOptions $options)
    {
        if (!\extension_loaded('grpc')) {
            throw InvalidArgumentException::option('transport', 'grpc', 'stream or curl, as ext-grpc is not loaded');
        }
        $this->pid = (int) getmypid();
    }

    public function unary(Call $call): Reply
    {
        if ($this->pid !== getmypid()) {
            return Reply::failed(Status::FailedPrecondition, 'ext-grpc does not work in a forked process: use the stream transport there');
        }
        $this->channel ??= new Channel($this->options->address(), $this->channelOptions());
        $milliseconds = max(1, (int) (($call->deadline - Monotonic::now()) * 1000));
        $deadline = Timeval::now()->add(new Timeval($milliseconds * 1000));
        $wire = new ExtCall($this->channel, $call->method, $deadline);
        $event = $wire->startBatch([
            \Grpc\OP_SEND_INITIAL_METADATA => array_map(static fn(string $value) => [$value], $call->metadata),
            \Grpc\OP_SEND_MESSAGE => ['message' => $call->request],
            \Grpc\OP_SEND_CLOSE_FROM_CLIENT => true,
            \Grpc\OP_RECV_INITIAL_METADATA => true,
            \Grpc\OP_RECV_MESSAGE => true,
            \Grpc\OP_RECV_STATUS_ON_CLIENT => true,
        ]);

        return self::reply($event);
    }

    public function close(): void
    {
        $this->channel?->close();
        $this->channel = null;
    }

    /** The extension tells by properties what came. */
    private static function reply(object $event): Reply
    {
        $event = get_object_vars($event);
        $status = \is_object($event['status'] ?? null) ? get_object_vars($event['status']) : [];
        $code = Status::of(\is_int($status['code'] ?? null) ? $status['code'] : -1);
        if ($code === Status::Ok) {
            return \is_string($event['message'] ?? null)
                ? Reply::ok($event['message'])
                : Reply::failed(Status::Internal, 'the answer has no message');
        }
        $metadata = \is_array($status['metadata'] ?? null) ? $status['metadata'] : [];
        $details = $metadata['grpc-status-details-bin'] ?? null;
        $details = \is_array($details) && \is_string($details[0] ?? null) ? $details[0] : '';

        return Reply::failed($code, \is_string($status['details'] ?? null) ? $status['details'] : '', $details);
    }

    /**
     * @return array<string, mixed>
     */
    private function channelOptions(): array
    {
        $options = [
            'credentials' => $this->options->tls === null ? ChannelCredentials::createInsecure() : self::secure($this->options->tls),
            'grpc.max_receive_message_length' => -1,
            'grpc.keepalive_time_ms' => (int) ($this->options->keepalive * 1000),
            'grpc.keepalive_timeout_ms' => (int) ($this->options->keepalive * 500),
        ];
        if ($this->options->tls?->serverName !== null) {
            $options['grpc.ssl_target_name_override'] = $this->options->tls->serverName;
        }

        return $options;
    }

    private static function secure(TlsOptions $tls): ChannelCredentials
    {
        $read = static function (?string $file): ?string {
            $text = $file === null ? null : file_get_contents($file);

            return $text === false ? throw InvalidArgumentException::option('tls', (string) $file, 'a PEM file that can be read') : $text;
        };

        return ChannelCredentials::createSsl($read($tls->authorities), $read($tls->key), $read($tls->certificate));
    }
}
