<?php

declare(strict_types=1);

namespace App\Jobs;

use Illuminate\Contracts\Queue\ShouldBeUnique;

final class UniqueNote extends Note implements ShouldBeUnique
{
    public function uniqueId(): string
    {
        return $this->text;
    }
}
