<?php

declare(strict_types=1);

namespace Waybill\Exception;

/**
 * The same call may succeed later. A publish is safe to repeat under the same message id; a type without this interface is final.
 */
interface Retryable extends \Throwable {}
