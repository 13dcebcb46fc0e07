<?php

declare(strict_types=1);

namespace Waybill\Tests\Outbox;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Outbox\Dialect;
use Waybill\Outbox\Outbox;
use Waybill\Outbox\Row;
use Waybill\Outbox\Schema;
use Waybill\PublishItem;
use Waybill\PublishOptions;

final class RowTest extends TestCase
{
    public function testASlotIsWhatTheContractSays(): void
    {
        self::assertSame(14, Row::slot('order-42', ''));
        self::assertSame(5, Row::slot('häuser', ''));
        self::assertSame(5, Row::slot('', '01890a5d-ac96-774b-bcce-b302099a8057'));
    }

    public function testTheTablesAreThoseOfTheContract(): void
    {
        $contract = self::plain((string) file_get_contents(\dirname(__DIR__, 3) . '/docs/outbox.md'));
        foreach (Dialect::cases() as $dialect) {
            foreach (Schema::outbox($dialect) as $statement) {
                self::assertStringContainsString(self::plain($statement), $contract);
            }
        }
        self::assertStringContainsString(self::plain(Schema::inbox(Dialect::MySql)[0]), $contract);
    }

    public function testARowHoldsWhatIsPublished(): void
    {
        $row = Row::of(new PublishItem('orders', "\x00\xff", new PublishOptions('id-1', 'key', ['a' => 'ä', '7' => 'seven'], 60, null, 120)));

        self::assertSame(['id-1', 'orders', 'key', "\x00\xff", 120_000], [$row->id, $row->topic, $row->key, $row->body, $row->ttlMs]);
        self::assertSame('{"a":"ä","7":"seven"}', $row->headers);
        self::assertEqualsWithDelta(microtime(true) * 1000 + 60_000, $row->dueMs, 5_000);
    }

    public function testARowWithoutAnIdGetsAUuidOfItsOwn(): void
    {
        $row = Row::of(new PublishItem('orders', ''));

        self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $row->id);
        self::assertNull($row->headers);
        self::assertSame(0, $row->dueMs);
    }

    /**
     * @return iterable<string, array{PublishItem, string}>
     */
    public static function refused(): iterable
    {
        yield 'a topic with a space' => [new PublishItem('a b', ''), 'topic'];
        yield 'a topic of 129 characters' => [new PublishItem(str_repeat('a', 129), ''), 'topic'];
        yield 'an id that is not visible ASCII' => [new PublishItem('a', '', new PublishOptions(id: 'ü')), 'id'];
        yield 'a key of 129 characters' => [new PublishItem('a', '', new PublishOptions(key: str_repeat('ü', 129))), 'key'];
        yield 'a key that is not UTF-8' => [new PublishItem('a', '', new PublishOptions(key: "\xff")), 'key'];
        yield 'the name of a header with a space' => [new PublishItem('a', '', new PublishOptions(headers: ['a b' => ''])), 'headers'];
        yield 'too many headers' => [new PublishItem('a', '', new PublishOptions(headers: array_fill_keys(array_map(static fn(int $at) => "h{$at}", range(1, 65)), ''))), 'headers'];
        yield 'large headers' => [new PublishItem('a', '', new PublishOptions(headers: ['a' => str_repeat('x', 16_384)])), 'headers'];
        yield 'a delay of 11 years' => [new PublishItem('a', '', new PublishOptions(delay: 11 * 365 * 86_400)), 'delay'];
        yield 'a time in 11 years' => [new PublishItem('a', '', new PublishOptions(due: new \DateTimeImmutable('+11 years'))), 'due'];
        yield 'a time to live within the delay' => [new PublishItem('a', '', new PublishOptions(delay: 10, ttl: 5)), 'ttl'];
    }

    #[DataProvider('refused')]
    public function testWhatTheBusWouldRefuseIsTheCallersError(PublishItem $item, string $field): void
    {
        try {
            Row::of($item);
        } catch (InvalidArgumentException $exception) {
            self::assertSame($field, $exception->field);

            return;
        }
        self::fail('it was taken');
    }

    public function testAConnectionWithoutATransactionIsRefused(): void
    {
        $this->expectException(FailedPreconditionException::class);
        (new Outbox())->publish(new \PDO('sqlite::memory:'), 'orders', '');
    }

    public function testWhatIsNoConnectionIsRefused(): void
    {
        $this->expectException(InvalidArgumentException::class);
        (new Outbox())->publish(new \stdClass(), 'orders', '');
    }

    public function testATableNameIsNoPlaceForSql(): void
    {
        $this->expectException(InvalidArgumentException::class);
        new Outbox('orders; DROP TABLE orders');
    }

    private static function plain(string $sql): string
    {
        return (string) preg_replace('/\s+/', ' ', $sql);
    }
}
