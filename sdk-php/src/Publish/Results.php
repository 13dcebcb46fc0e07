<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\Details;
use Waybill\Exception\Failure;
use Waybill\Exception\WaybillException;
use Waybill\Outcome;
use Waybill\Published;
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
     * @param list<string> $ids
     *
     * @return list<Published|WaybillException>
     */
    public static function read(V1\PublishResponse $response, array $ids): array
    {
        $wire = iterator_to_array($response->getResults(), false);
        $results = [];
        foreach ($ids as $at => $id) {
            $result = $wire[$at] ?? null;
            $results[] = $result instanceof V1\PublishResult ? self::one($result, $id) : self::noOutcome($id);
        }

        return $results;
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
        $outcome = match ($result->getOutcome()) {
            V1\PublishOutcome::PUBLISH_OUTCOME_ACCEPTED => Outcome::Accepted,
            V1\PublishOutcome::PUBLISH_OUTCOME_SCHEDULED => Outcome::Scheduled,
            V1\PublishOutcome::PUBLISH_OUTCOME_PARKED => Outcome::Parked,
            V1\PublishOutcome::PUBLISH_OUTCOME_DUPLICATE => Outcome::Duplicate,
            default => null,
        };
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
