<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\Details;
use Waybill\Exception\Failure;
use Waybill\Exception\WaybillException;
use Waybill\Outcome;
use Waybill\Published;
use Waybill\Rpc\Rpc;
use Waybill\Status;
use Waybill\V1;

/**
 * What a response says of each message.
 *
 * @internal
 */
final class Results
{
    /**
     * @param string $answer a `waybill.v1.PublishResponse`
     * @param list<string> $ids
     *
     * @return list<Published|WaybillException>
     */
    public static function read(string $answer, array $ids): array
    {
        $published = self::allPublished($answer, $ids);
        if ($published !== null) {
            return $published;
        }
        try {
            $response = Rpc::read($answer, new V1\PublishResponse());
        } catch (WaybillException $exception) {
            return self::allFailed($exception, $ids);
        }
        $wire = iterator_to_array($response->getResults(), false);
        $results = [];
        foreach ($ids as $at => $id) {
            $result = $wire[$at] ?? null;
            $results[] = $result instanceof V1\PublishResult ? self::one($result, $id) : self::noOutcome($id);
        }

        return $results;
    }

    /**
     * The results of an answer in which nothing failed; null for any other. Read by hand, as google/protobuf in PHP takes 5 µs to
     * read a result, and this 0.5 µs.
     *
     * @param list<string> $ids
     *
     * @return list<Published>|null
     */
    private static function allPublished(string $answer, array $ids): ?array
    {
        $published = [];
        $at = 0;
        foreach ($ids as $id) {
            // A result in its length, with the id, and with the outcome as one byte.
            $length = \strlen($id);
            $expected = "\x0A" . \chr($length + 4 & 0x7F) . "\x0A" . \chr($length & 0x7F) . $id . "\x10";
            $end = $at + $length + 5;
            if (!isset($answer[$end]) || substr_compare($answer, $expected, $at, $length + 5) !== 0) {
                return null;
            }
            $outcome = self::outcome(\ord($answer[$end]));
            if ($outcome === null) {
                return null;
            }
            $published[] = new Published($id, $outcome);
            $at = $end + 1;
        }

        return $at === \strlen($answer) ? $published : null;
    }

    /**
     * A failure of the whole request.
     *
     * @param list<string> $ids
     *
     * @return list<WaybillException>
     */
    public static function allFailed(WaybillException $exception, array $ids): array
    {
        return array_map(static fn(string $id) => self::alone($exception, $id), $ids);
    }

    /**
     * Puts what was not sent in its place among what was.
     *
     * @param list<Published|WaybillException> $results of what was sent
     * @param array<int, WaybillException> $refused by places among all
     *
     * @return list<Published|WaybillException>
     */
    public static function withRefused(array $results, array $refused): array
    {
        $all = [];
        $sent = 0;
        for ($place = 0, $count = \count($results) + \count($refused); $place < $count; ++$place) {
            $all[] = $refused[$place] ?? $results[$sent++];
        }

        return $all;
    }

    /** Told as if the message had been sent alone: its place in the batch is this client's doing. */
    public static function alone(WaybillException $exception, string $id): WaybillException
    {
        $details = new Details(
            $exception->status,
            $exception->reason,
            $exception->field === null ? null : self::withoutPlace($exception->field),
            $exception->limit,
            $exception->logId,
            $id,
        );

        return Failure::of(self::withoutPlace($exception->getMessage()), $details, $exception->getPrevious());
    }

    private static function one(V1\PublishResult $result, string $id): Published|WaybillException
    {
        $outcome = self::outcome($result->getOutcome());
        if ($outcome !== null) {
            return new Published($result->getId(), $outcome);
        }
        $error = $result->getError();
        if ($error === null) {
            return self::noOutcome($id);
        }
        $field = self::withoutPlace($error->getField());
        $limit = $error->getLimit();

        return Failure::of(self::withoutPlace($error->getMessage()), new Details(
            Status::of($error->getCode()),
            $error->getReason(),
            $field === '' ? null : $field,
            $limit === '' ? null : $limit,
            messageId: $id,
        ));
    }

    /** Null for one that says nothing, or that a newer gateway has. */
    private static function outcome(int $outcome): ?Outcome
    {
        return match ($outcome) {
            V1\PublishOutcome::PUBLISH_OUTCOME_ACCEPTED => Outcome::Accepted,
            V1\PublishOutcome::PUBLISH_OUTCOME_SCHEDULED => Outcome::Scheduled,
            V1\PublishOutcome::PUBLISH_OUTCOME_PARKED => Outcome::Parked,
            V1\PublishOutcome::PUBLISH_OUTCOME_DUPLICATE => Outcome::Duplicate,
            default => null,
        };
    }

    private static function noOutcome(string $id): WaybillException
    {
        return Failure::of('the gateway gave no outcome', new Details(Status::Internal, messageId: $id));
    }

    private static function withoutPlace(string $text): string
    {
        return preg_replace('/messages\[\d+\]\.?/', '', $text) ?? $text;
    }

    private function __construct() {}
}
