<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** RESOURCE_EXHAUSTED, reason OVERLOADED or RATE_LIMITED: the gateway takes no more for now. */
final class OverloadedException extends WaybillException implements Retryable {}
