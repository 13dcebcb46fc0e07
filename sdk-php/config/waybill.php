<?php

declare(strict_types=1);

return [
    /*
     * The gateway: `host:port`, or with a scheme: `grpc://` (plain) or `grpcs://` (TLS). `MQ_HOST` is event-bus's name for it.
     */
    'url' => env('WAYBILL_URL', env('MQ_HOST', 'localhost:9091')),

    // Sent as `authorization: Bearer …`.
    'token' => env('WAYBILL_TOKEN'),

    // PEM files. `ca` alone trusts a private authority; `cert` and `key` are for mutual TLS.
    'tls' => [
        'ca' => env('WAYBILL_CA'),
        'cert' => env('WAYBILL_CERT'),
        'key' => env('WAYBILL_KEY'),
    ],

    // `stream` needs no extension; `curl` and `grpc` use the extensions of these names.
    'transport' => env('WAYBILL_TRANSPORT', 'stream'),

    // Seconds that a call may take, with all tries.
    'deadline' => 10,

    /*
     * The queue connection `waybill`, unless config/queue.php has one of that name: QUEUE_CONNECTION=waybill is all it takes. What
     * connections of this driver leave out in config/queue.php is taken from here.
     */
    'queue' => [
        'driver' => 'waybill',

        // The queue of jobs that name none.
        'queue' => env('WAYBILL_QUEUE', 'default'),

        // A queue is the topic <prefix><queue>: applications that share a gateway have prefixes of their own.
        'prefix' => env('WAYBILL_QUEUE_PREFIX', 'jobs.'),

        // Whose jobs these are: every channel of the topic gets its own copy.
        'channel' => 'default',

        // Seconds until a job whose worker died is worked again, 1 to 86,400. A job with a longer `timeout` of its own gets what it needs.
        'retry_after' => 90,

        // Seconds that a worker of a single queue waits at the gateway for a job, instead of sleeping. 0 or null: it does not wait.
        'block_for' => 5,

        // Jobs dispatched in a database transaction go when it has committed.
        'after_commit' => false,

        // Jobs dispatched in a database transaction are rows of the outbox, in that transaction: neither a rollback nor a crash right
        // after the commit can part them. `waybill:relay` must run. True, or the name of the database connection.
        'outbox' => false,
    ],

    /*
     * Messages of any language, for `waybill:consume`: topic (or pattern, `orders.*`) => handler, or all that can be said:
     *
     *     'orders.created' => App\Handlers\BillOrder::class,
     *     'orders.*' => [
     *         'handler' => App\Handlers\AuditOrder::class,
     *         'channel' => 'audit',
     *         'retries' => 5,            // after the first attempt, then it is a dead letter
     *         'backoff' => 10,           // seconds before the first retry
     *         'multiplier' => 2,         // of each further one; 1: always the same
     *         'lease' => 60,             // seconds
     *         'once' => true,            // through the inbox, in a transaction of the database: true, or the connection's name
     *     ],
     */
    'topics' => [],

    // The channel of handlers that name none.
    'channel' => env('WAYBILL_CHANNEL', 'laravel'),

    'outbox' => [
        // The database connection; null is the default one.
        'connection' => env('WAYBILL_OUTBOX_CONNECTION'),
        'table' => 'waybill_outbox',
    ],

    'inbox' => [
        'table' => 'waybill_inbox',
    ],
];
