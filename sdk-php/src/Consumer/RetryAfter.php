<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/** Thrown by a handler: deliver the message again after this delay, instead of the retry policy's. It counts as an attempt. */
final class RetryAfter extends \RuntimeException
{
    /**
     * @param int|float|\DateInterval $delay 0 to 10 years
     * @param string $reason for the ledger
     */
    public function __construct(
        public readonly int|float|\DateInterval $delay,
        string $reason = 'retry later',
        ?\Throwable $previous = null,
    ) {
        parent::__construct($reason, 0, $previous);
    }
}
