<?php

declare(strict_types=1);

namespace Waybill\Exception;

/** UNIMPLEMENTED: this gateway does not know the call; it is older than this package. */
final class UnimplementedException extends WaybillException {}
