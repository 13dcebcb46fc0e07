<?php

declare(strict_types=1);

namespace Waybill\Tests;

use Waybill\Client;
use Waybill\ConnectOptions;
use Waybill\Exception\LockHeldException;
use Waybill\Exception\LockLostException;
use Waybill\Lock\Lock;
use Waybill\Tests\Support\GatewayTestCase;
use Waybill\Tests\Transport\LossyTransport;
use Waybill\Transport\Transports;

final class LocksTest extends GatewayTestCase
{
    public function testWorkUnderALockIsAlone(): void
    {
        $result = $this->client->withLock($this->topic, 10, function (Lock $lock): string {
            self::assertNull($this->client->locks()->tryAcquire($this->topic, 10));
            try {
                $this->client->withLock($this->topic, 10, static fn() => self::fail('two hold it'));
            } catch (LockHeldException $exception) {
                self::assertTrue($exception->isRetryable());
            }

            return "fence {$lock->fence}";
        });
        self::assertStringStartsWith('fence ', $result);
        self::assertNotNull($this->client->locks()->tryAcquire($this->topic, 1));
    }

    public function testALockIsFreeAfterAnException(): void
    {
        try {
            $this->client->withLock($this->topic, 60, $this->fails(...));
            self::fail('it did not throw');
        } catch (\DomainException $thrown) {
            self::assertStringStartsWith('broken', $thrown->getMessage());
        }
        self::assertNotNull($this->client->locks()->tryAcquire($this->topic, 1));
    }

    public function testFencesGrow(): void
    {
        $first = $this->client->locks()->acquire($this->topic, 10);
        self::assertTrue($first->release());
        $second = $this->client->locks()->acquire($this->topic, 10);
        self::assertGreaterThan($first->fence, $second->fence);
    }

    public function testARenewedLockLasts(): void
    {
        $lock = $this->client->locks()->acquire($this->topic, 0.5);
        $lock->renew(30);
        usleep(700_000);
        self::assertNull($this->client->locks()->tryAcquire($this->topic, 1));
        self::assertTrue($lock->release());
    }

    public function testALockThatRanOutIsLost(): void
    {
        $this->expectException(LockLostException::class);
        $this->client->withLock($this->topic, 0.2, static function (Lock $lock): void {
            usleep(500_000);
            $lock->renew();
        });
    }

    public function testWorkWasAloneThoughTheAnswerToItsReleaseWasLost(): void
    {
        self::assertSame('done', $this->lossy()->withLock($this->topic, 30, static fn() => 'done'));
        self::assertNotNull($this->client->locks()->tryAcquire($this->topic, 1));
    }

    public function testALockThatRanOutIsLostAlsoWhenTheAnswerToItsReleaseWas(): void
    {
        $this->expectException(LockLostException::class);
        $this->lossy()->withLock($this->topic, 0.2, static fn() => usleep(500_000));
    }

    public function testALockThatWasRenewedInTimeIsNotLost(): void
    {
        $this->lossy()->withLock($this->topic, 0.5, static function (Lock $lock): void {
            $lock->renew(30);
            usleep(700_000);
        });
        self::assertNotNull($this->client->locks()->tryAcquire($this->topic, 1));
    }

    public function testWhoWaitsGetsTheLockWhenItIsFree(): void
    {
        $this->client->locks()->acquire($this->topic, 0.5);
        $began = microtime(true);
        $this->client->locks()->acquire($this->topic, 1, 5);
        self::assertLessThan(4, microtime(true) - $began);
    }

    /** One that does not hear that it released a lock, and asks again. */
    private function lossy(): Client
    {
        $options = new ConnectOptions(self::gateway()->url());

        return new Client($options, new LossyTransport(Transports::open($options), '/waybill.v1.Locks/Release', 1));
    }

    /** @throws \DomainException */
    private function fails(Lock $lock): void
    {
        throw new \DomainException("broken while it held {$lock->name}");
    }
}
