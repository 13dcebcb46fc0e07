<?php

declare(strict_types=1);

namespace Waybill\Transport\Stream;

/**
 * The peer does not speak HTTP/2 as it should: the connection is given up.
 *
 * @internal
 */
final class ProtocolError extends \RuntimeException {}
