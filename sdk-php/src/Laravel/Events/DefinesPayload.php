<?php

declare(strict_types=1);

namespace Waybill\Laravel\Events;

/** A published event whose payload is not simply its public properties. */
interface DefinesPayload
{
    /** Text, or anything that json_encode takes. */
    public function publishWith(): mixed;
}
