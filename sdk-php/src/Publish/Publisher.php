<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\PublishManyException;
use Waybill\Exception\WaybillException;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;

/**
 * Publishes one message, or many in batches that are under way together.
 *
 * Every message has its id before it is first sent: sent again, it is one message to the gateway, and so a repetition is safe.
 *
 * @internal
 */
final class Publisher
{
    private const METHOD = '/waybill.v1.Bus/Publish';

    /** Batches on the way at a time: the gateway makes one durable while the next is encoded here. More was not faster. */
    private const IN_FLIGHT = 4;

    public function __construct(
        private readonly Rpc $rpc,
        private readonly Encoder $encoder,
    ) {}

    /**
     * @throws WaybillException
     */
    public function publish(PublishItem $item): Published
    {
        $message = $this->encoder->encode($item);
        $request = Encoder::request([$message]);
        try {
            $answer = $this->rpc->send(self::METHOD, $request, Repeat::Safe);
        } catch (WaybillException $exception) {
            throw Results::alone($exception, $message->id);
        }
        $result = Results::read($answer, [$message->id])[0];
        if ($result instanceof WaybillException) {
            throw $result;
        }

        return $result;
    }

    /**
     * @param iterable<PublishItem> $items
     *
     * @return list<Published> in the order of the items
     *
     * @throws WaybillException
     */
    public function publishMany(iterable $items): array
    {
        /** @var array<int, list<string>> $ids of the batches, until they are answered */
        $ids = [];
        $requests = (function () use ($items, &$ids): \Generator {
            foreach (Batches::of($this->encoder, $items) as $batch => $messages) {
                $ids[$batch] = array_map(static fn(Encoded $message) => $message->id, $messages);
                yield $batch => Encoder::request($messages);
            }
        })();
        $results = [];
        foreach ($this->rpc->sendMany(self::METHOD, $requests, Repeat::Safe, self::IN_FLIGHT) as $batch => $answer) {
            $results[$batch] = $answer instanceof WaybillException
                ? Results::allFailed($answer, $ids[$batch])
                : Results::read($answer, $ids[$batch]);
        }
        ksort($results);

        return self::allPublished(array_merge(...$results));
    }

    /**
     * @param list<Published|WaybillException> $results
     *
     * @return list<Published>
     */
    private static function allPublished(array $results): array
    {
        $published = [];
        foreach ($results as $result) {
            if ($result instanceof WaybillException) {
                throw \count($results) === 1 ? $result : PublishManyException::of($results, $result);
            }
            $published[] = $result;
        }

        return $published;
    }
}
