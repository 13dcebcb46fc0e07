<?php

declare(strict_types=1);

namespace Waybill\Transport;

/** A transport that can have several calls under way at a time. */
interface Multiplexing extends Transport
{
    /**
     * As `unary` for each call, with at most `$inFlight` under way. The calls are asked for one by one, so that few are in memory.
     *
     * @param iterable<int, Call> $calls with keys of their own, each used once
     *
     * @return \Generator<int, Reply> under the keys of the calls, as they arrive
     */
    public function unaryMany(iterable $calls, int $inFlight): \Generator;
}
