<?php

declare(strict_types=1);

namespace Waybill\Tests;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\ConnectOptions;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Transport\Kind;

final class ConnectOptionsTest extends TestCase
{
    #[TestWith(['localhost', 'localhost:9091', false])]
    #[TestWith(['bus:1234', 'bus:1234', false])]
    #[TestWith(['http://bus', 'bus:9091', false])]
    #[TestWith(['grpc://bus:1/', 'bus:1', false])]
    #[TestWith(['https://bus', 'bus:9091', true])]
    #[TestWith(['grpcs://[::1]:5', '[::1]:5', true])]
    public function testUrls(string $url, string $address, bool $tls): void
    {
        $options = new ConnectOptions($url);
        self::assertSame($address, $options->address());
        self::assertSame($tls, $options->tls !== null);
    }

    #[TestWith(['ftp://bus'])]
    #[TestWith(['bus:port'])]
    #[TestWith(['bus/path'])]
    #[TestWith([''])]
    public function testAWrongUrlIsNamed(string $url): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('url is ');
        new ConnectOptions($url);
    }

    public function testTheEnvironmentNamesTheGateway(): void
    {
        self::assertSame('localhost:9091', ConnectOptions::fromEnv([])->address());
        self::assertSame('original:9', ConnectOptions::fromEnv(['MQ_HOST' => 'original:9'])->address());
        $options = ConnectOptions::fromEnv([
            'MQ_HOST' => 'original:9',
            'WAYBILL_URL' => 'https://bus',
            'WAYBILL_TOKEN' => 'secret',
            'WAYBILL_CA' => '/etc/ca.pem',
            'WAYBILL_CERT' => '/etc/cert.pem',
            'WAYBILL_KEY' => '/etc/key.pem',
            'WAYBILL_TRANSPORT' => 'curl',
        ]);
        self::assertSame('bus:9091', $options->address());
        self::assertSame('secret', $options->token());
        self::assertSame(['/etc/ca.pem', '/etc/cert.pem', '/etc/key.pem'], [$options->tls?->authorities, $options->tls?->certificate, $options->tls?->key]);
        self::assertSame(Kind::Curl, $options->transport);
    }

    public function testATokenMayChange(): void
    {
        $tokens = ['first', 'second'];
        $options = new ConnectOptions(token: static function () use (&$tokens): ?string {
            return array_shift($tokens);
        });
        self::assertSame(['first', 'second', null], [$options->token(), $options->token(), $options->token()]);
    }

    public function testAChangedCopyKeepsTheRest(): void
    {
        $options = (new ConnectOptions('bus', name: 'me', token: 't'))->withDeadline(3)->withTransport(Kind::Curl);
        self::assertSame(['bus', 'me', 't', 3.0, Kind::Curl], [$options->host, $options->name, $options->token(), $options->deadline, $options->transport]);
    }

    #[TestWith([0.0])]
    #[TestWith([\NAN])]
    #[TestWith([-1.0])]
    public function testADeadlineOutOfRangeIsNamed(float $deadline): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('deadline is ');
        new ConnectOptions(deadline: $deadline);
    }
}
