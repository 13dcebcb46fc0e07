<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Waybill\Transport\Stream\Hpack;
use Waybill\Transport\Stream\Huffman;
use Waybill\Transport\Stream\ProtocolError;

final class HpackTest extends TestCase
{
    /** The examples of RFC 7541, appendix C. */
    #[TestWith(['f1e3c2e5f23a6ba0ab90f4ff', 'www.example.com'])]
    #[TestWith(['a8eb10649cbf', 'no-cache'])]
    #[TestWith(['d07abe941054d444a8200595040b8166e082a62d1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'])]
    #[TestWith(['94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'])]
    public function testHuffmanAsInTheRfc(string $hex, string $text): void
    {
        self::assertSame($text, Huffman::decode((string) hex2bin($hex)));
    }

    public function testWhatIsEncodedIsDecoded(): void
    {
        $hpack = new Hpack();
        $long = str_repeat('x', 70_000);
        $block = Hpack::encode('short', 'value') . Hpack::encode('long', $long) . Hpack::encode('empty', '') . Hpack::encode('short', 'again');
        self::assertSame(['short' => 'value,again', 'long' => $long, 'empty' => ''], $hpack->decode($block));
    }

    public function testTheStaticTableIsKnown(): void
    {
        $block = "\x88" . "\x5f\x10application/grpc";
        self::assertSame([':status' => '200', 'content-type' => 'application/grpc'], (new Hpack())->decode($block));
    }

    public function testABlockMeansTheSameWhenItComesAgain(): void
    {
        $hpack = new Hpack();
        $block = "\x20\x88" . Hpack::encode('a', 'b');
        self::assertSame($hpack->decode($block), $hpack->decode($block));
    }

    #[TestWith(['be'])]
    #[TestWith(['80'])]
    #[TestWith(['3fe11f'])]
    #[TestWith(['0085'])]
    #[TestWith(['ffffffffff7f'])]
    #[TestWith(['0082ffff00'])]
    public function testNonsenseIsRefused(string $hex): void
    {
        $this->expectException(ProtocolError::class);
        (new Hpack())->decode((string) hex2bin($hex));
    }
}
