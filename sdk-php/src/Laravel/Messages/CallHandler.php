<?php

declare(strict_types=1);

namespace Waybill\Laravel\Messages;

use Waybill\Consumer\RetryAfter;
use Waybill\Consumer\UnrecoverableException;
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
        try {
            $this->caller->call($subscription, $message, $job->delivery());
        } catch (UnrecoverableException $exception) {
            $job->fail($exception);
        } catch (RetryAfter $exception) {
            $job->because($exception);
            $job->release(\is_float($exception->delay) ? (int) ceil($exception->delay) : $exception->delay);
        }
        if (!$job->isDeletedOrReleased()) {
            $job->delete();
        }
    }
}
