<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\Attributes\DataProvider;
use Waybill\Consumer\ConsumeOptions;
use Waybill\Delivery;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Inbox\Inbox;
use Waybill\Inbox\OnceMiddleware;
use Waybill\Message;
use Waybill\RetryPolicy;

final class InboxTest extends OutboxTestCase
{
    #[DataProvider('databases')]
    public function testAMessageTakesEffectOnceForEachConsumer(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $inbox = new Inbox();
        $message = new Message('m1', 'orders', '', '', [], new \DateTimeImmutable());
        $effect = static fn() => $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
        $once = static function (string $consumer, bool $commit) use ($pdo, $inbox, $message, $effect): bool {
            $pdo->beginTransaction();
            $done = $inbox->once($pdo, $consumer, $message, $effect);
            $commit ? $pdo->commit() : $pdo->rollBack();

            return $done;
        };

        self::assertTrue($once('billing', false));
        self::assertTrue($once('billing', true));
        self::assertFalse($once('billing', true));
        self::assertTrue($once('audit', true));
        self::assertSame(2, self::rows($pdo, 'accounts'));
    }

    #[DataProvider('databases')]
    public function testOldRecordsAreForgotten(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $inbox = new Inbox();
        $pdo->beginTransaction();
        $inbox->once($pdo, 'billing', new Message('m1', 'orders', '', '', [], new \DateTimeImmutable()), static fn() => null);
        $pdo->commit();

        self::assertSame(0, $inbox->prune($pdo));
        usleep(20_000);
        self::assertSame(1, $inbox->prune($pdo, 0.01));
    }

    public function testWithoutATransactionThereIsNoOnce(): void
    {
        $pdo = ($this->database('sqlite'))();
        $this->expectException(FailedPreconditionException::class);
        (new Inbox())->once($pdo, 'billing', new Message('m1', 'orders', '', '', [], new \DateTimeImmutable()), static fn() => null);
    }

    #[DataProvider('databases')]
    public function testAConsumerWithTheMiddlewareCountsAFailedHandlerAsNothing(string $kind): void
    {
        $pdo = ($this->database($kind))();
        $this->open();
        $this->client->publish($this->topic, 'pay');
        $handler = static function (Delivery $delivery) use ($pdo): void {
            $pdo->exec('INSERT INTO accounts VALUES (1, 1)');
            if ($delivery->attempt === 1) {
                throw new \RuntimeException('after the insert');
            }
        };
        $summary = $this->client->consume($this->topic, 'test', $handler, new ConsumeOptions(
            wait: 5,
            retry: RetryPolicy::fixed(3, 0),
            maxMessages: 2,
            middleware: [new OnceMiddleware($pdo, 'test')],
        ));

        self::assertSame([1, 1], [$summary->done, $summary->failed]);
        self::assertSame(1, self::rows($pdo, 'accounts'));
    }
}
