<?php

declare(strict_types=1);

namespace Waybill\Laravel\Events;

use Waybill\PublishOptions;

/** A published event that has a key, an id, a delay or headers. */
interface DefinesPublishOptions
{
    public function publishOptions(): PublishOptions;
}
