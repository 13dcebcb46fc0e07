<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Waybill\Laravel\Queue\WaybillJob;

/**
 * The job that works a message of another publisher: the queue's worker counts its tries, and keeps it when it fails.
 *
 * @internal
 */
final readonly class CallHandler
{
    public function __construct(
        private Subscriptions $subscriptions,
        private HandlerCaller $caller,
    ) {}

    /**
     * @param array<array-key, mixed> $data
     */
    public function call(WaybillJob $job, array $data): void
    {
        $message = PlainMessage::message($data);
        $subscription = $this->subscriptions->find($message->topic);
        if ($subscription === null) {
            $job->fail(new \UnexpectedValueException("the message is no job of Laravel's, and config waybill.topics has no handler for {$message->topic}"));

            return;
        }
        $this->caller->call($subscription, $message, $job->delivery());
        if (!$job->isDeletedOrReleased()) {
            $job->delete();
        }
    }
}
