<?php

declare(strict_types=1);

namespace Waybill\Tests\Publish;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Waybill\ConnectOptions;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Publish\Encoder;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\V1;

final class EncoderTest extends TestCase
{
    /** @return iterable<string, array{PublishItem}> */
    public static function items(): iterable
    {
        yield 'a body alone' => [new PublishItem('orders', 'x')];
        yield 'nothing in it' => [new PublishItem('orders', '')];
        yield 'any bytes' => [new PublishItem('orders', random_bytes(100_000))];
        yield 'all there is' => [new PublishItem('orders', 'x', new PublishOptions('id', 'clé', ['a' => '1', '42' => '', 'é' => 'ü'], 315_360_000, ttl: 0.001))];
        yield 'a due time' => [new PublishItem('orders', 'x', new PublishOptions(due: new \DateTimeImmutable('@0')))];
    }

    #[DataProvider('items')]
    public function testWhatItWritesIsTheMessageThatProtobufReads(PublishItem $item): void
    {
        $encoded = (new Encoder(new ConnectOptions()))->encode($item);
        $request = new V1\PublishRequest();
        $request->mergeFromString($encoded->field() . $encoded->field());
        self::assertCount(2, $request->getMessages());
        $message = $request->getMessages()[1];
        self::assertInstanceOf(V1\Message::class, $message);
        self::assertSame([$encoded->id, $item->topic, $item->body, $item->options->key], [$message->getId(), $message->getTopic(), $message->getBody(), $message->getKey()]);
        self::assertEquals($item->options->headers, iterator_to_array($message->getHeaders()));
        self::assertSame($item->options->delay === null ? 0 : 315_360_000_000, (int) $message->getDelayMs());
        self::assertSame($item->options->due === null ? 0 : 1, (int) $message->getDueTimeMs());
        self::assertSame($item->options->ttl === null ? 0 : 1, (int) $message->getTtlMs());
    }

    public function testTextThatIsNotUtf8IsNamed(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('key is not UTF-8');
        (new Encoder(new ConnectOptions()))->encode(new PublishItem('orders', 'x', new PublishOptions(key: "\xFF")));
    }
}
