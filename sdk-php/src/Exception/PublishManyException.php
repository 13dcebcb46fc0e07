<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Published;

/** Of many messages, some were not accepted. Publish those again under their ids: `results` tells which. */
final class PublishManyException extends WaybillException
{
    /**
     * @param non-empty-list<Published|WaybillException> $results for each message in order: its result, or why it was not accepted
     */
    public static function of(array $results, WaybillException $first): self
    {
        $failed = \count(array_filter($results, static fn($result) => $result instanceof WaybillException));
        $message = \sprintf('%d of %d messages were not accepted; the first: %s', $failed, \count($results), $first->getMessage());

        return new self($message, new Details($first->status, $first->reason), $results, $first);
    }

    /**
     * @param non-empty-list<Published|WaybillException> $results
     */
    private function __construct(
        string $message,
        Details $details,
        public readonly array $results,
        WaybillException $first,
    ) {
        parent::__construct($message, $details, $first);
    }
}
