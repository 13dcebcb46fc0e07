<?php

declare(strict_types=1);

namespace Waybill\Transport;

/**
 * Carries unary gRPC calls to one gateway.
 *
 * The failure contract:
 * - `unary` always returns a reply: whatever goes wrong is a status. It returns soon after the call's deadline at the latest,
 *   and soon after a signal whose handler made `cancelled` true.
 * - It sends a call once. A reply that is `unprocessed` may be sent again; any other failure only where a repetition does no harm.
 * - It connects at the first call, and again after the connection was lost; a failed call never spoils the next one.
 * - In a process that was forked it connects anew, and leaves its parent's connection alone.
 */
interface Transport
{
    public function unary(Call $call): Reply;

    /** Disconnects. Safe twice; a later call connects again. */
    public function close(): void;
}
