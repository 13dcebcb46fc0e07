<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** DEADLINE_EXCEEDED: the outcome is not known; the previous exception is the last failure on the way, if there was one. */
final class DeadlineException extends WaybillException implements Retryable {}
