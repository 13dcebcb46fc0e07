<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** UNAUTHENTICATED or PERMISSION_DENIED: the token is missing, wrong, or not allowed to. */
final class AccessException extends WaybillException {}
