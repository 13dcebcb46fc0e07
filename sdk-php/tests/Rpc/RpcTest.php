<?php

declare(strict_types=1);

namespace Waybill\Tests\Rpc;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\ConnectOptions;
use Waybill\Exception\DeadlineException;
use Waybill\Exception\UnavailableException;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\Transport\Call;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;
use Waybill\V1\ReleaseRequest;
use Waybill\V1\ReleaseResponse;

final class RpcTest extends TestCase
{
    /**
     * @param list<string> $failures of the first tries
     */
    #[TestWith([[], true])]
    #[TestWith([['unprocessed'], true])]
    #[TestWith([['lost'], false])]
    #[TestWith([['lost', 'unprocessed'], false])]
    public function testWhetherAnAnswerIsThatToTheOnlyTryIsKnown(array $failures, bool $expected): void
    {
        $known = !$expected;
        self::rpc($failures)->call('/test.Echo/Echo', new ReleaseRequest(), new ReleaseResponse(), Repeat::Safe, known: $known);
        self::assertSame($expected, $known);
    }

    public function testNoTryIsMadeAfterTheMomentThatWasSet(): void
    {
        $began = Monotonic::now();
        try {
            self::rpc(array_fill(0, 1_000, 'unprocessed'))->until($began + 0.3)->send('/test.Echo/Echo', '', Repeat::Safe);
            self::fail('it was answered');
        } catch (UnavailableException $exception) {
            self::assertSame('unprocessed', $exception->getMessage());
        }
        self::assertLessThan(2, Monotonic::now() - $began);
    }

    public function testAMomentThatWasSetIsNotPutOff(): void
    {
        $began = Monotonic::now();
        $rpc = self::rpc(array_fill(0, 1_000, 'lost'))->until($began + 0.3)->until($began + 60);
        try {
            $rpc->send('/test.Echo/Echo', '', Repeat::Safe, 60);
            self::fail('it was answered');
        } catch (DeadlineException $exception) {
            self::assertSame('lost', $exception->getPrevious()?->getMessage());
        }
        self::assertLessThan(2, Monotonic::now() - $began);
    }

    /**
     * @param list<string> $failures of the first tries; the next succeeds
     */
    private static function rpc(array $failures): Rpc
    {
        $transport = new class ($failures) implements Transport {
            /**
             * @param list<string> $failures
             */
            public function __construct(private array $failures) {}

            public function unary(Call $call): Reply
            {
                $failure = array_shift($this->failures);

                return match ($failure) {
                    null => Reply::ok(''),
                    'lost' => Reply::connectionLost($failure),
                    default => Reply::unprocessed($failure),
                };
            }

            public function close(): void {}
        };

        return new Rpc($transport, new ConnectOptions());
    }
}
