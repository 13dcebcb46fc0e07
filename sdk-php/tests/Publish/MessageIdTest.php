<?php

declare(strict_types=1);

namespace Waybill\Tests\Publish;

use PHPUnit\Framework\Attributes\RequiresPhpExtension;
use PHPUnit\Framework\TestCase;
use Waybill\Publish\MessageId;

final class MessageIdTest extends TestCase
{
    public function testIdsAreUuidsOfVersionSevenThatTellTheTime(): void
    {
        $before = (int) (microtime(true) * 1000);
        $id = MessageId::make();

        self::assertMatchesRegularExpression('/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $id);
        $time = (int) hexdec(substr($id, 0, 8) . substr($id, 9, 4));
        self::assertGreaterThanOrEqual($before - 10, $time);
        self::assertLessThanOrEqual((int) (microtime(true) * 1000), $time);
    }

    public function testNoIdComesTwiceAndThoseOfOneMomentAreNeighbours(): void
    {
        $ids = [];
        for ($made = 0; $made < 150_000; ++$made) {
            $ids[] = MessageId::make();
        }

        self::assertCount(150_000, array_unique($ids));
        $stems = array_unique(array_map(static fn(string $id) => substr($id, 0, 32), $ids));
        self::assertLessThan(15_000, \count($stems));
    }

    #[RequiresPhpExtension('pcntl')]
    public function testAForkedProcessMakesIdsOfItsOwn(): void
    {
        [$ours, $theirs] = stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0) ?: throw new \RuntimeException('no pair of sockets');
        MessageId::make();
        $child = pcntl_fork();
        if ($child === 0) {
            fwrite($theirs, MessageId::make());
            // Not exit: PHPUnit's own end belongs to the parent.
            posix_kill((int) getmypid(), \SIGKILL);
        }
        $own = MessageId::make();
        pcntl_waitpid($child, $status);
        $its = (string) fread($ours, 36);

        self::assertSame(36, \strlen($its));
        self::assertNotSame(substr($own, 0, 32), substr($its, 0, 32));
    }
}
