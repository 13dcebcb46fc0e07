<?php

declare(strict_types=1);

return ['paths' => [resource_path('views')], 'compiled' => getenv('APP_WORK') . '/views'];
