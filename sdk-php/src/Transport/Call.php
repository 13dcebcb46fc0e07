<?php

declare(strict_types=1);

namespace Waybill\Transport;

/** One unary gRPC call. */
final readonly class Call
{
    /**
     * @param string $method `/waybill.v1.Bus/Publish`
     * @param string $request the encoded message
     * @param float $deadline the moment at which the answer is no longer wanted, as `Monotonic::now` tells it
     * @param array<string, string> $metadata sent as headers; names in lower case, values of visible ASCII
     * @param (\Closure(): bool)|null $cancelled asked whenever a signal has interrupted the wait: true ends the call
     */
    public function __construct(
        public string $method,
        public string $request,
        public float $deadline,
        public array $metadata = [],
        public ?\Closure $cancelled = null,
    ) {}
}
