<?php

declare(strict_types=1);

namespace Waybill;

/** What became of one receipt. */
enum SettleStatus
{
    /** Settled, and durable. */
    case Ok;

    /** Too late: the lease ended, or the message was settled otherwise. Nothing was changed. */
    case Stale;

    /** Not a receipt of this bus. */
    case Unknown;
}
