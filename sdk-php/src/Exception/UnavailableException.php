<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** UNAVAILABLE or ABORTED: no gateway could be reached, or one that misses its broker or ledger. */
final class UnavailableException extends WaybillException implements Retryable {}
