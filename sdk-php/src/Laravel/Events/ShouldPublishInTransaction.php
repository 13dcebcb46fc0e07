<?php

declare(strict_types=1);

namespace Waybill\Laravel\Events;

/**
 * Goes through the outbox: in the open database transaction, which must be one. It reaches the topic if and only if that commits, even if
 * the process dies right after.
 */
interface ShouldPublishInTransaction extends ShouldPublish {}
