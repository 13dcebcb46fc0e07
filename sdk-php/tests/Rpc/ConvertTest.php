<?php

declare(strict_types=1);

namespace Waybill\Tests\Rpc;

use PHPUnit\Framework\TestCase;
use Waybill\Client;
use Waybill\Delivery;
use Waybill\Exception\InternalException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Rpc;
use Waybill\SettleStatus;
use Waybill\V1;

/** What is read by hand, against what google/protobuf writes. */
final class ConvertTest extends TestCase
{
    public function testADeliveryHasAllThatTheWireHas(): void
    {
        $headers = ['traceparent' => '00-1-2-01', '12' => 'a name that looks like a number', 'empty' => '', 'ünï' => 'cödé'];
        $delivery = self::deliveries(self::wire('one', str_repeat("\0\xFF", 100_000), $headers), self::wire('', '', []))[0];

        self::assertSame('receipt of one', $delivery->receipt);
        self::assertSame(3, $delivery->attempt);
        self::assertSame('2026-11-28T04:55:43.897+00:00', $delivery->leaseDeadline->format(\DATE_RFC3339_EXTENDED));
        $message = $delivery->message;
        self::assertSame(['one', 'orders', str_repeat("\0\xFF", 100_000), 'key of one'], [$message->id, $message->topic, $message->body, $message->key]);
        self::assertEquals($headers, $message->headers);
        self::assertSame('a name that looks like a number', $message->header('12'));
        self::assertSame('1970-01-01T00:00:00.001+00:00', $message->publishedAt->format(\DATE_RFC3339_EXTENDED));
    }

    public function testSeveralComeInTheirOrderAndNoneIsNone(): void
    {
        $ids = array_map(static fn(Delivery $delivery) => $delivery->message->id, self::deliveries(...array_map(
            static fn(int $at) => self::wire("m{$at}", 'body', []),
            range(1, 300),
        )));

        self::assertSame(array_map(static fn(int $at) => "m{$at}", range(1, 300)), $ids);
        self::assertSame([], self::deliveries());
        self::assertSame('', self::deliveries(new V1\Delivery())[0]->message->id, 'a delivery without a message');
    }

    public function testFieldsOfANewerGatewayArePassedOver(): void
    {
        $delivery = self::wire('one', 'body', [])->serializeToString();
        // Number 15 as a varint, 8 bytes, text and 4 bytes; number 1000 as a varint.
        $unknown = "\x78\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" . "\x79" . str_repeat("\xAA", 8) . "\x7A\x03abc" . "\x7D" . str_repeat("\xBB", 4) . "\xC0\x3E\x01";
        $delivery = $unknown . $delivery . $unknown;
        $answer = $unknown . "\x0A" . self::varint(\strlen($delivery)) . $delivery . $unknown;

        self::assertSame('one', self::read($answer)[0]->message->id);
    }

    public function testAnAnswerThatIsCutOffIsNoAnswer(): void
    {
        $answer = (new V1\PullResponse())->setDeliveries([self::wire('one', 'body', ['name' => 'value'])])->serializeToString();
        for ($length = \strlen($answer) - 1; $length > 0; --$length) {
            self::assertUnreadable(substr($answer, 0, $length));
        }
        self::assertCount(1, self::read($answer));
    }

    public function testNoBytesAtAllBreakMoreThanTheCall(): void
    {
        mt_srand(7);
        for ($round = 0; $round < 3000; ++$round) {
            $bytes = '';
            for ($length = mt_rand(1, 40); $length > 0; --$length) {
                $bytes .= \chr(mt_rand(0, 9) < 5 ? [0x0A, 0x12, 0x1A, 0x22, 0x18, 0x02][mt_rand(0, 5)] : mt_rand(0, 255));
            }
            try {
                self::read($bytes);
                Rpc::decode(static fn() => Convert::settleResults($bytes));
            } catch (InternalException) {
            }
        }
        foreach (["\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\x00", "\x0B", "\x0E", "\x0A\x05abc"] as $bytes) {
            self::assertUnreadable($bytes);
        }
    }

    public function testEachReceiptHasItsResult(): void
    {
        $answer = (new V1\AckResponse())->setResults([self::settled('one', 1), self::settled('two', 2), self::settled('three', 3), self::settled('', 99)])->serializeToString();
        $results = Convert::settleResults($answer);

        self::assertSame(['one', 'two', 'three', ''], array_map(static fn($result) => $result->receipt, $results));
        self::assertSame(
            [SettleStatus::Ok, SettleStatus::Stale, SettleStatus::Unknown, SettleStatus::Unknown],
            array_map(static fn($result) => $result->status, $results),
        );
    }

    public function testAReceiptThatIsNoTextIsRefusedBeforeItIsSent(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('receipts');
        Client::connect('127.0.0.1:1')->ack(["\xFF"]);
    }

    /**
     * @param array<array-key, string> $headers
     */
    private static function wire(string $id, string $body, array $headers): V1\Delivery
    {
        $message = (new V1\Message())->setId($id)->setTopic('orders')->setBody($body)->setKey("key of {$id}")->setHeaders($headers)->setTtlMs(5)->setPublishTimeMs(1);

        return (new V1\Delivery())->setReceipt("receipt of {$id}")->setMessage($message)->setAttempt(3)->setLeaseDeadlineMs(1_795_841_743_897);
    }

    private static function settled(string $receipt, int $status): V1\SettleResult
    {
        return (new V1\SettleResult())->setReceipt($receipt)->setStatus($status);
    }

    /**
     * @return list<Delivery>
     */
    private static function deliveries(V1\Delivery ...$deliveries): array
    {
        return self::read((new V1\PullResponse())->setDeliveries(array_values($deliveries))->serializeToString());
    }

    /**
     * @return list<Delivery>
     */
    private static function read(string $answer): array
    {
        return Rpc::decode(static fn() => Convert::deliveries($answer, Client::connect('127.0.0.1:1')));
    }

    private static function assertUnreadable(string $answer): void
    {
        $thrown = null;
        try {
            self::read($answer);
        } catch (InternalException $thrown) {
        }
        self::assertNotNull($thrown, bin2hex($answer) . ' was read');
    }

    private static function varint(int $value): string
    {
        for ($bytes = ''; $value > 0x7F; $value >>= 7) {
            $bytes .= \chr($value & 0x7F | 0x80);
        }

        return $bytes . \chr($value);
    }
}
