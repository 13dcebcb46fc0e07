<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Exception\InvalidArgumentException;

/**
 * Names of tables are written into statements, so they are checked.
 *
 * @internal
 */
final class TableName
{
    public static function check(string $name): string
    {
        if (preg_match('/^[A-Za-z][A-Za-z0-9_]{0,47}$/D', $name) === 1) {
            return $name;
        }

        throw InvalidArgumentException::option('table', "\"{$name}\"", '1 to 48 letters, digits and underscores, a letter first');
    }

    private function __construct() {}
}
