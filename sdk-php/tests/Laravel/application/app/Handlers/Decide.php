<?php

declare(strict_types=1);

namespace App\Handlers;

use App\Trace;
use Waybill\Consumer\RetryAfter;
use Waybill\Consumer\UnrecoverableException;
use Waybill\Delivery;
use Waybill\Message;

/** Does what the message says at its first delivery: `later` comes again, `never` is dead. Notes how many saw the application's scope. */
final readonly class Decide
{
    /**
     * @param \ArrayObject<int, string> $scope
     */
    public function __construct(private \ArrayObject $scope) {}

    public function handle(Message $message, Delivery $delivery): void
    {
        $this->scope->append($message->body);
        Trace::write("{$message->body} {$delivery->attempt} {$this->scope->count()}");
        if ($message->body === 'never') {
            throw new UnrecoverableException('no use');
        }
        if ($message->body === 'later' && $delivery->attempt === 1) {
            throw new RetryAfter(1, 'not yet <info>', null);
        }
    }
}
