<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\AccessException;
use Waybill\Exception\CancelledException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\Retryable;
use Waybill\Exception\WaybillException;

/**
 * What a failed publish says about its row.
 *
 * @internal
 */
enum Refusal
{
    /** The bus refuses it, now and later. */
    case Final;

    /** Perhaps the row's fault, perhaps not, so the tries are counted. */
    case Unsure;

    /** Not the row's fault. */
    case Later;

    public static function of(WaybillException $exception): self
    {
        return match (true) {
            $exception instanceof InvalidArgumentException => self::Final,
            // Who may publish is mended by people: until then nothing is set aside.
            $exception instanceof Retryable, $exception instanceof AccessException, $exception instanceof CancelledException => self::Later,
            default => self::Unsure,
        };
    }
}
