<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\InvalidArgumentException;
use Waybill\Rpc\Wire;

/**
 * A message as bytes of the wire; or, of many, one that has none, and why.
 *
 * @internal
 */
final readonly class Encoded
{
    public function __construct(
        public string $id,
        public string $bytes,
        public ?InvalidArgumentException $refusal = null,
    ) {}

    /** As a field of a `waybill.v1.PublishRequest`. */
    public function field(): string
    {
        return Wire::message(1, $this->bytes);
    }
}
