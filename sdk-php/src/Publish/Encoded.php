<?php

declare(strict_types=1);

namespace Waybill\Publish;

/**
 * A message as bytes of the wire.
 *
 * @internal
 */
final readonly class Encoded
{
    public function __construct(
        public string $id,
        public string $bytes,
    ) {}
}
