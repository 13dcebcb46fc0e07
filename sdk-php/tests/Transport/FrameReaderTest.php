<?php

declare(strict_types=1);

namespace Waybill\Tests\Transport;

use PHPUnit\Framework\TestCase;
use Waybill\Transport\Stream\Frame;
use Waybill\Transport\Stream\FrameReader;
use Waybill\Transport\Stream\ProtocolError;

final class FrameReaderTest extends TestCase
{
    public function testFramesThatArriveByteByByteAreWhole(): void
    {
        $reader = new FrameReader();
        $frames = [];
        foreach (str_split(Frame::make(Frame::DATA, Frame::END_STREAM, 5, 'abc') . Frame::make(Frame::PING, 0, 0, '12345678')) as $byte) {
            $frames = [...$frames, ...$reader->read($byte)];
        }
        self::assertSame([[Frame::DATA, Frame::END_STREAM, 5, 'abc'], [Frame::PING, 0, 0, '12345678']], $frames);
    }

    public function testPaddingIsTakenAway(): void
    {
        self::assertSame('abc', FrameReader::withoutPadding("\x02abc\0\0", Frame::PADDED));
        self::assertSame("\x02abc", FrameReader::withoutPadding("\x02abc", 0));
        $this->expectException(ProtocolError::class);
        FrameReader::withoutPadding("\x05abc", Frame::PADDED);
    }

    public function testAFrameLongerThanAllowedIsRefused(): void
    {
        $this->expectException(ProtocolError::class);
        (new FrameReader())->read(substr(Frame::make(Frame::DATA, 0, 1, str_repeat('x', 20_000)), 0, 9));
    }

    public function testALongBlockOfHeadersIsContinued(): void
    {
        $block = random_bytes(40_000);
        $frames = (new FrameReader())->read(Frame::headers(3, $block, 16_384));
        self::assertSame([Frame::HEADERS, Frame::CONTINUATION, Frame::CONTINUATION], array_column($frames, 0));
        self::assertSame([0, 0, Frame::END_HEADERS], array_column($frames, 1));
        self::assertSame($block, implode('', array_column($frames, 3)));
    }
}
