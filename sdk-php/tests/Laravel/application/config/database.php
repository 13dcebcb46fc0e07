<?php

declare(strict_types=1);

return [
    'default' => env('APP_DATABASE', 'sqlite'),
    'connections' => [
        'sqlite' => [
            'driver' => 'sqlite',
            'database' => getenv('APP_WORK') . '/database.sqlite',
            'foreign_key_constraints' => true,
            'busy_timeout' => 10_000,
            'journal_mode' => 'WAL',
        ],
        'mysql' => ['driver' => 'mysql', 'url' => env('APP_MYSQL_URL'), 'charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci', 'prefix' => ''],
    ],
    'migrations' => 'migrations',
    'redis' => [
        'client' => 'predis',
        'options' => ['prefix' => env('WAYBILL_QUEUE_PREFIX', '')],
        'default' => ['url' => env('APP_REDIS_URL'), 'read_write_timeout' => 0],
    ],
];
