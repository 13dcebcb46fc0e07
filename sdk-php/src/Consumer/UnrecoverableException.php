<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/** Thrown by a handler: no retry can help. The message becomes a dead letter at once, with this exception's message as the reason. */
class UnrecoverableException extends \RuntimeException {}
