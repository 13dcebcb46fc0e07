<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

use Waybill\ConnectOptions;
use Waybill\TlsOptions;
use Waybill\Transport\Inherited;

/**
 * A non-blocking TCP or TLS connection.
 *
 * @internal
 */
final class Socket
{
    private const READ_BYTES = 65_536;

    private readonly int $pid;

    /**
     * @throws ConnectionLost
     */
    public static function connect(ConnectOptions $options, float $seconds): self
    {
        $scheme = $options->tls === null ? 'tcp' : 'tls';
        $context = ['socket' => ['tcp_nodelay' => true]];
        if ($options->tls !== null) {
            $context['ssl'] = self::ssl($options->tls, trim($options->host, '[]'));
        }
        $warnings = [];
        set_error_handler(static function (int $level, string $warning) use (&$warnings): bool {
            $warnings[] = $warning;

            return true;
        });
        try {
            $address = "{$scheme}://{$options->address()}";
            $stream = stream_socket_client($address, $code, $message, $seconds, \STREAM_CLIENT_CONNECT, stream_context_create($context));
        } finally {
            restore_error_handler();
        }
        if ($stream === false) {
            // OpenSSL's reasons come as warnings, with nothing in $message.
            $why = $message !== '' && $code !== 0 ? $message : implode('; ', str_replace(['stream_socket_client(): ', "\n"], ['', ' '], $warnings));

            throw new ConnectionLost("cannot connect to {$options->address()}: {$why}");
        }
        if ($options->tls !== null && (stream_get_meta_data($stream)['crypto']['alpn_protocol'] ?? '') !== 'h2') {
            fclose($stream);

            throw new ConnectionLost("{$options->address()} speaks TLS, but not HTTP/2");
        }
        stream_set_blocking($stream, false);
        stream_set_read_buffer($stream, 0);
        stream_set_chunk_size($stream, self::READ_BYTES);

        return new self($stream);
    }

    /**
     * @param resource|closed-resource $stream
     */
    private function __construct(private $stream)
    {
        $this->pid = (int) getmypid();
    }

    /** Whether it was made by this very process, and not by the one that this was forked from. */
    public function isOwn(): bool
    {
        return $this->pid === getmypid();
    }

    /**
     * What has arrived; empty when nothing has.
     *
     * @throws ConnectionLost
     */
    public function read(): string
    {
        $stream = $this->stream();
        $bytes = @fread($stream, self::READ_BYTES);
        if ($bytes === false || ($bytes === '' && feof($stream))) {
            throw new ConnectionLost('the gateway closed the connection');
        }

        return $bytes;
    }

    /**
     * How many bytes were taken; the rest is to be written again when there is room.
     *
     * @throws ConnectionLost
     */
    public function write(string $bytes): int
    {
        $stream = $this->stream();
        $written = @fwrite($stream, $bytes);
        if ($written === false || ($written === 0 && feof($stream))) {
            throw new ConnectionLost('the connection broke while a call was being sent');
        }

        return $written;
    }

    /**
     * Waits until there is something to read, or room to write. False: a signal came; its handler has run.
     *
     * @throws ConnectionLost
     */
    public function wait(bool $write, float $seconds): bool
    {
        $readable = [$this->stream()];
        $writable = $write ? $readable : null;
        $except = null;
        $seconds = max(0.0, $seconds);
        $ready = @stream_select($readable, $writable, $except, (int) $seconds, (int) (fmod($seconds, 1) * 1_000_000));
        if ($ready !== false) {
            return true;
        }
        if (\function_exists('pcntl_signal_dispatch')) {
            pcntl_signal_dispatch();
        }

        return false;
    }

    public function close(): void
    {
        if (!\is_resource($this->stream)) {
            return;
        }
        if ($this->isOwn()) {
            fclose($this->stream);
        } else {
            Inherited::keep($this->stream);
        }
    }

    public function __destruct()
    {
        $this->close();
    }

    /**
     * PHP destroys what is garbage in any order: a client that says its last words then may find this closed before.
     *
     * @return resource
     *
     * @throws ConnectionLost
     */
    private function stream()
    {
        if (!\is_resource($this->stream)) {
            throw new ConnectionLost('the connection was closed');
        }
        // What a forked process read of it, or wrote, its parent would miss.
        if (!$this->isOwn()) {
            throw new ConnectionLost('the connection is of the process that this one was forked from');
        }

        return $this->stream;
    }

    /**
     * @return array<string, mixed>
     */
    private static function ssl(TlsOptions $tls, string $host): array
    {
        $ssl = ['alpn_protocols' => 'h2', 'peer_name' => $tls->serverName ?? $host, 'SNI_enabled' => true];
        $files = ['cafile' => $tls->authorities, 'local_cert' => $tls->certificate, 'local_pk' => $tls->key, 'passphrase' => $tls->passphrase];

        return [...$ssl, ...array_filter($files, static fn($value) => $value !== null)];
    }
}
