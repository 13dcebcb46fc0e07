<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use Waybill\Transport\Call;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;

/** Carries every call, and loses the answers to some. */
final class LossyTransport implements Transport
{
    /**
     * @param string $method whose answers are lost
     * @param int $left so many of them
     */
    public function __construct(
        private readonly Transport $transport,
        private readonly string $method,
        private int $left,
    ) {}

    public function unary(Call $call): Reply
    {
        $reply = $this->transport->unary($call);
        if ($call->method !== $this->method || $this->left === 0) {
            return $reply;
        }
        --$this->left;

        return Reply::connectionLost('the connection was cut');
    }

    public function close(): void
    {
        $this->transport->close();
    }
}
