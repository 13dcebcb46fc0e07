<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** FAILED_PRECONDITION or ALREADY_EXISTS: the state does not allow it, such as a cancel of what is being delivered. */
class FailedPreconditionException extends WaybillException {}
