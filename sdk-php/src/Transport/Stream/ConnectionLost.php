<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * The connection was closed, or could not be made.
 *
 * @internal
 */
final class ConnectionLost extends \RuntimeException {}
