<?php

declare(strict_types=1);

namespace Waybill\Inbox;

use Waybill\Consumer\Middleware;
use Waybill\Delivery;
use Waybill\Outbox\Statement;

/**
 * Runs every handler of a consumer in a transaction of its own, and once for each message.
 *
 * @example new ConsumeOptions(middleware: [new OnceMiddleware($pdo, 'billing')])
 */
final readonly class OnceMiddleware implements Middleware
{
    /**
     * @param \PDO $pdo the connection that the handler works with too; it begins no transaction of its own
     * @param string $consumer as in `Inbox::once`
     */
    public function __construct(
        private \PDO $pdo,
        private string $consumer,
        private Inbox $inbox = new Inbox(),
    ) {}

    public function handle(Delivery $delivery, \Closure $next): mixed
    {
        $this->sure($this->pdo->beginTransaction());
        try {
            $result = null;
            $this->inbox->once($this->pdo, $this->consumer, $delivery, static function () use ($delivery, $next, &$result): void {
                $result = $next($delivery);
            });
            $this->sure($this->pdo->commit());

            return $result;
        } catch (\Throwable $thrown) {
            $this->rollBackQuietly();

            throw $thrown;
        }
    }

    /** A connection may be set to answer false instead of throwing. */
    private function sure(bool $done): void
    {
        if (!$done) {
            throw Statement::failure($this->pdo->errorInfo());
        }
    }

    /** What was thrown says more than that the connection is lost; the transaction is lost with it. */
    private function rollBackQuietly(): void
    {
        try {
            if ($this->pdo->inTransaction()) {
                $this->pdo->rollBack();
            }
        } catch (\PDOException) {
        }
    }
}
