<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** NOT_FOUND: nothing of that name waits (cancel, reschedule), or is known. */
final class NotFoundException extends WaybillException {}
