<?php

declare(strict_types=1);

namespace Waybill\Tests\Publish;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Waybill\Exception\WaybillException;
use Waybill\Publish\Results;
use Waybill\Published;
use Waybill\Status;
use Waybill\V1;

final class ResultsTest extends TestCase
{
    private const ACCEPTED = V1\PublishOutcome::PUBLISH_OUTCOME_ACCEPTED;

    /**
     * @return iterable<string, array{list<string>, list<V1\PublishResult>, list<string>}>
     */
    public static function answers(): iterable
    {
        $failed = (new V1\PublishResult())->setId('two')
            ->setError((new V1\Error())->setCode(3)->setReason('TTL_INVALID')->setMessage('messages[1].ttl_ms is too long')->setField('messages[1].ttl_ms'));
        $long = str_repeat('i', 128);
        yield 'none' => [[], [], []];
        yield 'all outcomes' => [
            ['1', '2', '3', '4'],
            [self::wire('1', 1), self::wire('2', 2), self::wire('3', 3), self::wire('4', 4)],
            ['1 Accepted', '2 Scheduled', '3 Parked', '4 Duplicate'],
        ];
        yield 'long ids' => [
            [substr($long, 0, 123), substr($long, 0, 124), $long],
            [self::wire(substr($long, 0, 123), 1), self::wire(substr($long, 0, 124), 1), self::wire($long, 1)],
            [substr($long, 0, 123) . ' Accepted', substr($long, 0, 124) . ' Accepted', "{$long} Accepted"],
        ];
        yield 'one failed' => [['one', 'two'], [self::wire('one', 1), $failed], ['one Accepted', 'two TTL_INVALID: ttl_ms is too long']];
        yield 'too few' => [['one', 'two'], [self::wire('one', 1)], ['one Accepted', 'two : the gateway gave no outcome']];
        yield 'too many' => [['one'], [self::wire('one', 1), self::wire('two', 1)], ['one Accepted']];
        yield 'another id' => [['one'], [self::wire('other', 1)], ['other Accepted']];
        yield 'an outcome of tomorrow' => [['one'], [self::wire('one', 99)], ['one : the gateway gave no outcome']];
        yield 'one that needs two bytes' => [['one'], [self::wire('one', 300)], ['one : the gateway gave no outcome']];
    }

    /**
     * @param list<string> $ids
     * @param list<V1\PublishResult> $results
     * @param list<string> $expected
     */
    #[DataProvider('answers')]
    public function testEachMessageHasWhatTheAnswerSaysOfIt(array $ids, array $results, array $expected): void
    {
        $answer = (new V1\PublishResponse())->setResults($results)->serializeToString();

        self::assertSame($expected, self::told(Results::read($answer, $ids)));
    }

    public function testAnAnswerThatIsCutOffIsNoAnswer(): void
    {
        $answer = (new V1\PublishResponse())->setResults([self::wire('one', self::ACCEPTED), self::wire('two', self::ACCEPTED)])->serializeToString();
        for ($length = \strlen($answer) - 1; $length > 0; --$length) {
            $last = Results::read(substr($answer, 0, $length), ['one', 'two'])[1];

            self::assertInstanceOf(WaybillException::class, $last, "{$length} bytes");
            self::assertSame([Status::Internal, 'two'], [$last->status, $last->messageId]);
        }
    }

    private static function wire(string $id, int $outcome): V1\PublishResult
    {
        return (new V1\PublishResult())->setId($id)->setOutcome($outcome);
    }

    /**
     * @param list<Published|WaybillException> $results
     *
     * @return list<string>
     */
    private static function told(array $results): array
    {
        return array_map(static fn(Published|WaybillException $result) => $result instanceof Published
            ? "{$result->id} {$result->outcome->name}"
            : "{$result->messageId} {$result->reason}: {$result->getMessage()}", $results);
    }
}
