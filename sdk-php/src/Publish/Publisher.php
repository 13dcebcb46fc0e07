<?php

declare(strict_types=1);

namespace Waybill\Publish;

use Waybill\Exception\InvalidArgumentException;
use Waybill\Exception\WaybillException;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;

/**
 * Publishes one message, or batches that are under way together.
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
        private readonly bool $lenient = false,
    ) {}

    /** One to which an item that cannot be encoded is a message that is not accepted, as others may be. */
    public function lenient(): self
    {
        return new self($this->rpc, $this->encoder, true);
    }

    /**
     * @throws WaybillException
     */
    public function publish(PublishItem $item): Published
    {
        $message = $this->encoder->encode($item);
        try {
            $answer = $this->rpc->send(self::METHOD, $message->field(), Repeat::Safe);
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
     * @throws InvalidArgumentException unless it is lenient
     */
    public function encode(PublishItem $item): Encoded
    {
        try {
            return $this->encoder->encode($item);
        } catch (InvalidArgumentException $exception) {
            return $this->lenient ? new Encoded($item->options->id, '', $exception) : throw $exception;
        }
    }

    /**
     * Publishes batches. Stops whenever it is handed a null instead of one, until it is resumed.
     *
     * @param iterable<int, Batch|null> $batches
     *
     * @return \Generator<null, null, null, list<Published|WaybillException>> in the end, a result for each message in order
     */
    public function batches(iterable $batches): \Generator
    {
        /** @var array<int, list<string>> $ids of the batches, until they are answered */
        $ids = [];
        /** @var array<int, array<int, InvalidArgumentException>> $refusals of the batches that have any, by places */
        $refusals = [];
        /** @var array<int, list<Published|WaybillException>> $results */
        $results = [];
        $requests = (static function () use ($batches, &$ids, &$refusals, &$results): \Generator {
            foreach ($batches as $key => $batch) {
                if ($batch === null) {
                    yield $key => null;
                    continue;
                }
                if ($batch->refusals() !== []) {
                    $refusals[$key] = $batch->refusals();
                }
                if ($batch->ids() === []) {
                    $results[$key] = [];
                    continue;
                }
                $ids[$key] = $batch->ids();
                yield $key => $batch->request();
            }
        })();
        foreach ($this->rpc->sendMany(self::METHOD, $requests, Repeat::Safe, self::IN_FLIGHT) as $key => $answer) {
            if ($answer === null) {
                yield null => null;
                continue;
            }
            $results[$key] = \is_string($answer) ? Results::read($answer, $ids[$key]) : Results::allFailed($answer, $ids[$key]);
            unset($ids[$key]);
        }
        ksort($results);
        foreach ($refusals as $key => $refused) {
            $results[$key] = Results::withRefused($results[$key], $refused);
        }

        return array_merge(...$results);
    }
}
