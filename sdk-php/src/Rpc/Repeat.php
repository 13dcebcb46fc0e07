<?php

declare(strict_types=1);

namespace Waybill\Rpc;

/** Whether a call whose outcome is not known may be sent again. What the gateway has certainly not begun with always may. */
enum Repeat
{
    /** Doing it twice is as doing it once. */
    case Safe;

    /** Doing it twice does harm. */
    case Unsafe;
}
