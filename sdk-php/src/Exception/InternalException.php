<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** The bus answered in a way that the protocol does not allow, or failed with a fault of its own; `logId` finds it in the gateway's log. */
final class InternalException extends WaybillException {}
