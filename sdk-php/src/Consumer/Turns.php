<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/**
 * Which of several channels is asked next, and how long that may wait. A channel that has work does not keep others from theirs.
 *
 * @internal
 */
final class Turns
{
    /** Lets the gateway bring what there is, while another channel may have work. */
    private const SHORT_WAIT = 0.05;

    /** In which all are asked once, while none has work. */
    private const IDLE_ROUND = 0.5;

    private int $next = -1;

    /** So many in a row had nothing. */
    private int $empty = 0;

    /**
     * @param non-empty-list<Source> $sources
     * @param float $wait seconds that a single one may wait
     */
    public function __construct(
        private readonly array $sources,
        private readonly float $wait,
    ) {}

    public function next(): Source
    {
        $this->next = ($this->next + 1) % \count($this->sources);

        return $this->sources[$this->next];
    }

    /** For the one that is asked now. */
    public function wait(): float
    {
        $count = \count($this->sources);

        return match (true) {
            $count === 1 => $this->wait,
            $this->empty < $count => min(self::SHORT_WAIT, $this->wait),
            default => max(self::SHORT_WAIT, min(self::IDLE_ROUND, $this->wait) / $count),
        };
    }

    public function took(int $messages): void
    {
        $this->empty = $messages > 0 ? 0 : $this->empty + 1;
    }

    /** Each had nothing for as long as it is asked: of several, in a round of short waits and two of longer ones. */
    public function areEmpty(): bool
    {
        $count = \count($this->sources);

        return $this->empty >= ($count === 1 ? 1 : 3 * $count);
    }
}
