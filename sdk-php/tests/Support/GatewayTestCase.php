<?php

declare(strict_types=1);

namespace Waybill\Tests\Support;

use PHPUnit\Framework\TestCase;
use Waybill\Client;

/** A test class with a gateway of its own, and a topic of its own for each test. */
abstract class GatewayTestCase extends TestCase
{
    private static ?Gateway $gateway = null;

    protected Client $client;
    protected string $topic;

    /** @return array<string, string> config keys of the gateway */
    protected static function settings(): array
    {
        // So that a nack without a delay comes soon.
        return ['NackdJobNextRunDelaySeconds' => '1', 'DrainSeconds' => '1'];
    }

    public static function setUpBeforeClass(): void
    {
        self::$gateway = new Gateway(static::settings());
    }

    public static function tearDownAfterClass(): void
    {
        self::$gateway?->stop();
        self::$gateway = null;
    }

    protected function setUp(): void
    {
        $this->client = self::gateway()->client();
        $this->topic = 'php.' . bin2hex(random_bytes(6));
    }

    protected function tearDown(): void
    {
        $this->client->close();
    }

    protected static function gateway(): Gateway
    {
        return self::$gateway ?? throw new \LogicException('no gateway runs');
    }
}
