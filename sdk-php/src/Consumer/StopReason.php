<?php

declare(strict_types=1);

namespace Waybill\Consumer;

/** Why a consumer ended. */
enum StopReason
{
    case Signal;
    case MessageLimit;
    case TimeLimit;
    case MemoryLimit;

    /** `stopWhenEmpty`, and nothing was left. */
    case Empty;

    /** The handler, or somebody it knows, called `stop`. */
    case Asked;
}
