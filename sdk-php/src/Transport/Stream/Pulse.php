<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

use Waybill\Transport\Monotonic;

/**
 * Whether the gateway is still there: when it is silent for so many seconds, it is asked; when it says nothing for half as long after that, it is gone.
 *
 * @internal
 */
final class Pulse
{
    private float $heard;
    private ?float $asked = null;

    public function __construct(private readonly float $seconds)
    {
        $this->heard = Monotonic::now();
    }

    /** Something has arrived. */
    public function beat(): void
    {
        $this->heard = Monotonic::now();
        $this->asked = null;
    }

    public function isSilentSince(float $moment): bool
    {
        return $this->heard < $moment;
    }

    /** Whether it was heard of so lately that nobody need ask. */
    public function isFresh(): bool
    {
        return Monotonic::now() - $this->heard < $this->seconds;
    }

    /** When it is to be asked, or given up. */
    public function next(): float
    {
        return $this->asked === null ? $this->heard + $this->seconds : $this->asked + $this->seconds / 2;
    }

    /**
     * Whether it is to be asked now, which the caller does then.
     *
     * @throws ConnectionLost when it was asked in vain
     */
    public function isToBeAsked(): bool
    {
        $now = Monotonic::now();
        if ($now < $this->next()) {
            return false;
        }
        if ($this->asked !== null) {
            throw new ConnectionLost('the gateway gave no sign of life');
        }
        $this->asked = $now;

        return true;
    }
}
