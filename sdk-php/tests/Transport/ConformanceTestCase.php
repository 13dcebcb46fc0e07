<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\ConnectOptions;
use Waybill\Status;
use Waybill\Tests\Support\Certificates;
use Waybill\Tests\Support\EchoServer;
use Waybill\Tests\Support\Worker;
use Waybill\TlsOptions;
use Waybill\Transport\Call;
use Waybill\Transport\Kind;
use Waybill\Transport\Monotonic;
use Waybill\Transport\Reply;
use Waybill\Transport\Transport;
use Waybill\Transport\Transports;

/** What every transport must do. */
abstract class ConformanceTestCase extends TestCase
{
    abstract protected static function kind(): Kind;

    /** What it takes for one header of an answer. */
    protected static function longestHeaderBytes(): int
    {
        return 100_000;
    }

    /** Whether a call that failed may be made again, for all that the transport knows. */
    protected static function mayBeMadeAgain(Reply $reply): bool
    {
        return $reply->unprocessed;
    }

    public function testTwentyThousandCallsGoOverOneConnection(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        for ($i = 0; $i < 20_000; ++$i) {
            $reply = $transport->unary(self::call('Echo', "call {$i}"));
            if ($reply->body !== "call {$i}") {
                self::fail("call {$i}: {$reply->status->name} {$reply->message}");
            }
        }
        self::assertBody('1', $transport->unary(self::call('Connections')));
    }

    public function testAConnectionThatReachesItsMaximumAgeIsReplacedWithoutAFailure(): void
    {
        $server = new EchoServer(['maxAgeMs' => 300]);
        $transport = $this->open($server);
        $until = Monotonic::now() + 3;
        while (Monotonic::now() < $until) {
            $reply = self::untilProcessed($transport, self::call('Echo', 'x'));
            self::assertSame(Status::Ok, $reply->status, $reply->message);
        }
        self::assertGreaterThan(1, (int) self::untilProcessed($transport, self::call('Connections'))->body);
    }

    public function testACallUnderWayOutlivesTheGoAway(): void
    {
        $server = new EchoServer(['maxAgeMs' => 200]);
        $transport = $this->open($server);
        $reply = $transport->unary(self::call('Slow', '1000'));
        self::assertSame('1000', $reply->body, $reply->message);
    }

    public function testAfterABlockedHandlerTheNextCallWorks(): void
    {
        // It pings, and closes what does not answer: PHP can't, while it does something else.
        $server = new EchoServer(['keepaliveMs' => 300]);
        $transport = $this->open($server);
        self::assertBody('a', $transport->unary(self::call('Echo', 'a')));
        sleep(2);
        $reply = self::untilProcessed($transport, self::call('Echo', 'b'));
        self::assertSame('b', $reply->body, $reply->message);
    }

    #[TestWith([false])]
    #[TestWith([true])]
    public function testAForkedChildHasAConnectionOfItsOwn(bool $tls): void
    {
        $certificates = new Certificates();
        $server = new EchoServer($tls ? ['tls' => $certificates->forServer(false)] : []);
        $transport = $this->open($server, $tls ? new TlsOptions($certificates->authorities) : null);
        self::assertBody('parent', $transport->unary(self::call('Echo', 'parent')));
        $child = self::forkCaller($transport);
        for ($i = 0; $i < 50; ++$i) {
            $reply = $transport->unary(self::call('Echo', "parent {$i}"));
            self::assertSame("parent {$i}", $reply->body, $reply->message);
        }
        self::assertCalled($child);
        self::assertBody('after', $transport->unary(self::call('Echo', 'after')));
    }

    #[TestWith([false])]
    #[TestWith([true])]
    public function testAChildThatEndsAsUsualDoesNoHarm(bool $tls): void
    {
        $certificates = new Certificates();
        $server = new EchoServer($tls ? ['tls' => $certificates->forServer(false)] : []);
        $worker = new Worker('forking-caller.php', static::kind()->value, $server->url(), ...($tls ? [$certificates->authorities] : []));
        self::assertSame("child\nparent", $worker->rest());
    }

    public function testASignalEndsALongPollAtOnce(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        $stopped = false;
        $before = pcntl_async_signals(true);
        pcntl_signal(\SIGTERM, static function () use (&$stopped): void {
            $stopped = true;
        });
        try {
            $own = (int) getmypid();
            $sender = pcntl_fork();
            if ($sender === 0) {
                usleep(500_000);
                posix_kill($own, \SIGTERM);
                posix_kill((int) getmypid(), \SIGKILL);
            }
            $began = Monotonic::now();
            $reply = $transport->unary(new Call('/test.Echo/Slow', '20000', $began + 15, [], static function () use (&$stopped): bool {
                return $stopped;
            }));
            pcntl_waitpid($sender, $status);
            self::assertSame(Status::Cancelled, $reply->status);
            self::assertLessThan(2.5, Monotonic::now() - $began);
            self::assertBody('next', $transport->unary(self::call('Echo', 'next')));
        } finally {
            pcntl_signal(\SIGTERM, \SIG_DFL);
            pcntl_async_signals($before);
        }
    }

    public function testASignalHandlerMayCallInTheMiddleOfACall(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        $inside = '';
        $before = pcntl_async_signals(true);
        pcntl_signal(\SIGALRM, static function () use ($transport, &$inside): void {
            $inside = $transport->unary(self::call('Echo', 'inside'))->body;
        });
        try {
            pcntl_alarm(1);
            self::assertBody('2000', $transport->unary(self::call('Slow', '2000')));
            self::assertSame('inside', $inside);
        } finally {
            pcntl_signal(\SIGALRM, \SIG_DFL);
            pcntl_async_signals($before);
        }
    }

    public function testAnEarlyRejectionOfALargeBodyKeepsItsStatus(): void
    {
        $server = new EchoServer(['maxMessageBytes' => 1024 * 1024]);
        $transport = $this->open($server);
        $began = Monotonic::now();
        $reply = $transport->unary(self::call('Echo', str_repeat('x', 5 * 1024 * 1024)));
        self::assertSame(Status::ResourceExhausted, $reply->status, $reply->message);
        self::assertLessThan(5, Monotonic::now() - $began);
        self::assertBody('next', $transport->unary(self::call('Echo', 'next')));
    }

    public function testALargeBodyGoesBothWays(): void
    {
        $server = new EchoServer();
        $body = random_bytes(16 * 1024 * 1024);
        $reply = $this->open($server)->unary(self::call('Echo', $body, 30));
        self::assertBody($body, $reply);
    }

    public function testAStatusWithALongMessageArrives(): void
    {
        $server = new EchoServer();
        $characters = intdiv(static::longestHeaderBytes(), 6);
        $reply = $this->open($server)->unary(self::call('Fail', (string) $characters));
        self::assertSame(Status::FailedPrecondition, $reply->status, $reply->message);
        // Each is six bytes on the wire: %C3%A9.
        self::assertSame(str_repeat('é', $characters), $reply->message);
    }

    public function testALongHeaderOfTheRequestArrives(): void
    {
        $server = new EchoServer();
        $value = str_repeat('abcdefghij', 4_000);
        $call = new Call('/test.Echo/Header', 'x-long', Monotonic::now() + 10, ['x-long' => $value]);
        self::assertBody($value, $this->open($server)->unary($call));
    }

    public function testEveryCharacterOfAHeaderArrives(): void
    {
        $server = new EchoServer();
        $value = implode('', array_map(\chr(...), range(33, 126)));
        $call = new Call('/test.Echo/Header', 'x-all', Monotonic::now() + 10, ['x-all' => $value]);
        self::assertBody($value, $this->open($server)->unary($call));
    }

    public function testIpv6(): void
    {
        $server = new EchoServer(['host' => '[::1]']);
        $transport = $this->transport(new ConnectOptions("[::1]:{$server->port}"));
        self::assertBody('six', $transport->unary(self::call('Echo', 'six')));
    }

    #[TestWith([-3600])]
    #[TestWith([3600])]
    public function testADeadlineStaysWhereItIsWhenTheClockIsSet(int $seconds): void
    {
        $server = new EchoServer();
        self::assertSame('Ok', self::callWhileTheClockIsSet($server, $seconds, 10));
        // Frozen, for a server that is not keeps the deadline, too.
        $server->pause();
        try {
            self::assertSame('DeadlineExceeded in time', self::callWhileTheClockIsSet($server, $seconds, 1));
        } finally {
            $server->resume();
        }
    }

    public function testASlowServerMeetsTheDeadlineAndSpoilsNothing(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        $began = Monotonic::now();
        $reply = $transport->unary(self::call('Slow', '5000', 0.5));
        self::assertSame(Status::DeadlineExceeded, $reply->status);
        self::assertLessThan(2, Monotonic::now() - $began);
        self::assertBody('next', $transport->unary(self::call('Echo', 'next')));
    }

    public function testAFrozenServerMeetsTheDeadlineAndItsConnectionIsNotUsedAgain(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        self::assertBody('a', $transport->unary(self::call('Echo', 'a')));
        $server->pause();
        try {
            $began = Monotonic::now();
            $reply = $transport->unary(self::call('Echo', 'b', 1));
            self::assertSame(Status::DeadlineExceeded, $reply->status);
            self::assertLessThan(3, Monotonic::now() - $began);
        } finally {
            $server->resume();
        }
        self::assertBody('c', $transport->unary(self::call('Echo', 'c')));
    }

    public function testALongPollToAFrozenServerEndsLongBeforeItsDeadline(): void
    {
        $server = new EchoServer();
        $transport = $this->transport(new ConnectOptions($server->url(), keepalive: 1));
        // curl has no way to ask: there, the call meets its deadline.
        $seconds = static::kind() === Kind::Curl ? 2 : 60;
        $server->pause();
        try {
            $began = Monotonic::now();
            $reply = $transport->unary(self::call('Slow', '60000', $seconds));
            self::assertContains($reply->status, [Status::Unavailable, Status::DeadlineExceeded], $reply->message);
            self::assertLessThan(20, Monotonic::now() - $began);
        } finally {
            $server->resume();
        }
        // One that answers is left alone, however long it takes.
        self::assertBody('4000', $transport->unary(self::call('Slow', '4000', 60)));
    }

    public function testItConnectsAgainAfterARestart(): void
    {
        $server = new EchoServer();
        $transport = $this->open($server);
        self::assertBody('a', $transport->unary(self::call('Echo', 'a')));
        $port = $server->port;
        $server->end();
        $reply = $transport->unary(self::call('Echo', 'b'));
        self::assertSame(Status::Unavailable, $reply->status);
        $server = new EchoServer(['port' => $port]);
        self::assertBody('c', $transport->unary(self::call('Echo', 'c')));
        $server->end();
    }

    #[TestWith([false])]
    #[TestWith([true])]
    public function testACallWhoseConnectionIsResetBeforeItsAnswerIsNotMadeAgain(bool $tls): void
    {
        $certificates = new Certificates();
        $server = new EchoServer(['gated' => true, ...($tls ? ['tls' => $certificates->forServer(false)] : [])]);
        $transport = $this->open($server, $tls ? new TlsOptions($certificates->authorities) : null);
        // A connection that served before is one that HTTP clients think may just have been idle for too long.
        self::assertBody('before', $transport->unary(self::call('Echo', 'before')));
        $reply = $transport->unary(self::call('Reset', 'small'));
        self::assertSame(Status::Unavailable, $reply->status, $reply->message);
        self::assertFalse($reply->unprocessed, $reply->message);
        self::assertBody('small', $transport->unary(self::call('Resets')));
    }

    public function testAGatewayThatIsNotThereIsUnavailable(): void
    {
        $reply = $this->transport(new ConnectOptions('127.0.0.1:1'))->unary(self::call('Echo'));
        self::assertSame(Status::Unavailable, $reply->status);
        self::assertTrue($reply->unprocessed);
    }

    public function testTls(): void
    {
        $certificates = new Certificates();
        $server = new EchoServer(['tls' => $certificates->forServer(false)]);
        $transport = $this->open($server, new TlsOptions($certificates->authorities));
        for ($i = 0; $i < 2_500; ++$i) {
            $reply = $transport->unary(self::call('Echo', "call {$i}"));
            if ($reply->body !== "call {$i}") {
                self::fail("call {$i}: {$reply->status->name} {$reply->message}");
            }
        }
        self::assertBody('1', $transport->unary(self::call('Connections')));
        $body = random_bytes(4 * 1024 * 1024);
        self::assertBody($body, $transport->unary(self::call('Echo', $body, 30)));
    }

    public function testACertificateOfAnotherAuthorityIsRefused(): void
    {
        $certificates = new Certificates();
        $other = new Certificates();
        $server = new EchoServer(['tls' => $certificates->forServer(false)]);
        $reply = $this->open($server, new TlsOptions($other->authorities))->unary(self::call('Echo', 'x', 2));
        self::assertSame(Status::Unavailable, $reply->status);
        self::assertMatchesRegularExpression('/certificate/i', $reply->message);
    }

    public function testMutualTls(): void
    {
        $certificates = new Certificates();
        $server = new EchoServer(['tls' => $certificates->forServer(true)]);
        $tls = new TlsOptions($certificates->authorities, $certificates->certificate, $certificates->key);
        self::assertBody('mutual', $this->open($server, $tls)->unary(self::call('Echo', 'mutual')));
        $without = $this->open($server, new TlsOptions($certificates->authorities))->unary(self::call('Echo', 'x', 2));
        self::assertSame(Status::Unavailable, $without->status);
    }

    protected function open(EchoServer $server, ?TlsOptions $tls = null): Transport
    {
        return $this->transport(new ConnectOptions($server->url(), $tls));
    }

    /** A forked process that makes one call. */
    protected static function forkCaller(Transport $transport, int $afterSeconds = 0): int
    {
        $child = pcntl_fork();
        if ($child === 0) {
            $signal = \SIGTERM;
            try {
                sleep($afterSeconds);
                $signal = $transport->unary(self::call('Echo', 'child'))->body === 'child' ? \SIGKILL : \SIGTERM;
            } finally {
                // Without destructors: this process is a copy of the test runner.
                posix_kill((int) getmypid(), $signal);
            }
        }

        return $child;
    }

    /** Waits for the end of the forked process. */
    protected static function assertCalled(int $child): void
    {
        pcntl_waitpid($child, $status);
        self::assertIsInt($status);
        self::assertSame(\SIGKILL, pcntl_wtermsig($status), 'the call of the child failed');
    }

    /** How a call of 1.5 s ends. */
    protected static function callWhileTheClockIsSet(EchoServer $server, int $seconds, int $deadline, int $keepalive = 20): string
    {
        $arguments = [static::kind()->value, $server->url(), (string) $seconds, (string) $deadline, (string) $keepalive];

        return (new Worker('clock-setter.php', ...$arguments))->rest();
    }

    private function transport(ConnectOptions $options): Transport
    {
        return Transports::open($options->withTransport(static::kind()));
    }

    protected static function assertBody(string $expected, Reply $reply): void
    {
        // Not assertSame: a difference of megabytes is no help.
        self::assertTrue($reply->body === $expected, "{$reply->status->name} {$reply->message}: " . substr($reply->body, 0, 100));
    }

    protected static function call(string $method, string $request = '', float $seconds = 10): Call
    {
        return new Call("/test.Echo/{$method}", $request, Monotonic::now() + $seconds);
    }

    /** As callers do: what the server has not begun with is sent again. */
    private static function untilProcessed(Transport $transport, Call $call): Reply
    {
        do {
            $reply = $transport->unary($call);
        } while (static::mayBeMadeAgain($reply) && Monotonic::now() < $call->deadline);

        return $reply;
    }
}
