<?php

declare(strict_types=1);

return [
    'default' => 'file',
    'stores' => [
        'file' => ['driver' => 'file', 'path' => getenv('APP_WORK') . '/cache', 'lock_path' => getenv('APP_WORK') . '/cache'],
        'array' => ['driver' => 'array'],
    ],
    'prefix' => 'test',
];
