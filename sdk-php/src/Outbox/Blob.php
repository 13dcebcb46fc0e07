<?php

declare(strict_types=1);

namespace Waybill\Outbox;

/**
 * Bytes, told from text.
 *
 * @internal
 */
final readonly class Blob
{
    public function __construct(public string $bytes) {}
}
