<?php

declare(strict_types=1);

namespace Waybill\Laravel\Events;

/**
 * An event that is published to a topic when it is dispatched, so that other services hear of it. Its public properties are the payload,
 * unless it is a `DefinesPayload`. With Laravel's `ShouldDispatchAfterCommit` it goes after the commit.
 */
interface ShouldPublish
{
    /** The topic. */
    public function publishTo(): string;
}
