<?php

declare(strict_types=1);

namespace Waybill\Rpc;

/**
 * Pauses between tries, in seconds: 20 ms, then twice as long each time up to 2 s, less a random half, so that many clients don't come back at once.
 *
 * @internal
 */
final class Backoff
{
    private const FIRST = 0.02;
    private const LONGEST = 2.0;

    private float $pause = self::FIRST;

    public function next(): float
    {
        $pause = $this->pause;
        $this->pause = min(self::LONGEST, $pause * 2);

        return $pause * (1 - mt_rand() / mt_getrandmax() / 2);
    }

    public function reset(): void
    {
        $this->pause = self::FIRST;
    }
}
