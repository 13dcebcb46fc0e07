<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\PublishItem;

/**
 * Parts what is published into requests.
 *
 * @internal
 */
final class Batches
{
    /** The gateway takes 1,000; smaller ones let it work on one while the next is encoded. */
    private const MESSAGES = 250;

    private const BYTES = 1_048_576;

    /**
     * @param iterable<PublishItem> $items
     *
     * @return \Generator<int, non-empty-list<Encoded>>
     */
    public static function of(Encoder $encoder, iterable $items): \Generator
    {
        $batch = [];
        $bytes = 0;
        foreach ($items as $item) {
            $weight = \strlen($item->body) + 256;
            if ($batch !== [] && (\count($batch) >= self::MESSAGES || $bytes + $weight > self::BYTES)) {
                yield $batch;
                $batch = [];
                $bytes = 0;
            }
            $batch[] = $encoder->encode($item);
            $bytes += $weight;
        }
        if ($batch !== []) {
            yield $batch;
        }
    }

    private function __construct() {}
}
