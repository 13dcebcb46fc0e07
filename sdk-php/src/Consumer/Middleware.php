<?php

declare(strict_types=1);

namespace Waybill\Consumer;

use Waybill\Delivery;

/** Work around every handler: tracing, transactions, an inbox. The first of the list is the outermost. */
interface Middleware
{
    /**
     * Calls `$next` to go on. What it throws, or what `$next` throws through it, decides what becomes of the message.
     *
     * @param \Closure(Delivery): mixed $next
     */
    public function handle(Delivery $delivery, \Closure $next): mixed;
}
