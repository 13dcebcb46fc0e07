<?php

declare(strict_types=1);

namespace Waybill\Transport;

/** A transport that can have several calls under way at a time. */
interface Multiplexing extends Transport
{
    /**
     * As `unary` for each call, with at most `$inFlight` under way. The calls are asked for one by one, so that few are in memory.
     *
     * @param iterable<int, Call|null> $calls with keys of their own, each used once. A null says that there is none for now: once what
     *                                        is under way was sent off, a null is handed out, and the next call is asked for when the
     *                                        generator is resumed. Other calls may be made meanwhile
     *
     * @return \Generator<int, Reply|null> under the keys of the calls, as they arrive
     */
    public function unaryMany(iterable $calls, int $inFlight): \Generator;
}
