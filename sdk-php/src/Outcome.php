<?php

declare(strict_types=1);

namespace Waybill;

/** How a message was accepted. */
enum Outcome
{
    /** Confirmed by the broker, or on disk. */
    case Accepted;

    /** In the schedule until it is due. */
    case Scheduled;

    /** No channel wants the topic yet: it waits for the first one. */
    case Parked;

    /** A message with this id had been accepted before; this one was dropped. */
    case Duplicate;
}
