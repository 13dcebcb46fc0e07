<?php

declare(strict_types=1);

// No connection `waybill`: the package brings it.
return [
    'default' => env('QUEUE_CONNECTION', 'waybill'),
    'connections' => [
        'database' => ['driver' => 'database', 'connection' => null, 'table' => 'jobs', 'queue' => 'default', 'retry_after' => 90],
        'redis' => ['driver' => 'redis', 'connection' => 'default', 'queue' => 'default', 'retry_after' => 90, 'block_for' => null],
        'impatient' => ['driver' => 'waybill', 'prefix' => env('WAYBILL_QUEUE_PREFIX'), 'retry_after' => 2, 'block_for' => 1],
        'transactional' => ['driver' => 'waybill', 'prefix' => env('WAYBILL_QUEUE_PREFIX'), 'outbox' => true, 'block_for' => 1],
        'committed' => ['driver' => 'waybill', 'prefix' => env('WAYBILL_QUEUE_PREFIX'), 'after_commit' => true, 'block_for' => 1],
    ],
    'batching' => ['database' => env('APP_DATABASE', 'sqlite'), 'table' => 'job_batches'],
    'failed' => ['driver' => 'database-uuids', 'database' => env('APP_DATABASE', 'sqlite'), 'table' => 'failed_jobs'],
];
