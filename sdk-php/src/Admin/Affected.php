<?php

declare(strict_types=1);

namespace Waybill\Admin;

/** What an operator's call changed, or would change in a dry run. */
final readonly class Affected
{
    /**
     * @param int $count messages
     * @param bool $complete false: there may be more, because of a limit or because time was up; call again
     */
    public function __construct(
        public int $count,
        public bool $complete,
    ) {}
}
