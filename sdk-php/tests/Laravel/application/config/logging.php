<?php

declare(strict_types=1);

return [
    'default' => 'single',
    'channels' => [
        'single' => ['driver' => 'single', 'path' => getenv('APP_WORK') . '/laravel.log', 'level' => 'debug'],
        'emergency' => ['path' => getenv('APP_WORK') . '/laravel.log'],
    ],
];
