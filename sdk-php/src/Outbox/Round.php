<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Client;
use Waybill\Exception\Details;
use Waybill\Exception\Failure;
use Waybill\Exception\PublishManyException;
use Waybill\Exception\WaybillException;
use Waybill\Published;
use Waybill\PublishItem;
use Waybill\PublishOptions;
use Waybill\Status;

/**
 * One turn of a relay over some slots.
 *
 *   look ─▶ claim ─▶ measure ─▶ read ─▶ send ─▶ settle ─┬─▶ give back
 *                       ▲        ▲  more rows, and time │
 *                       └────────┴──────────────────────┘
 *
 * Of a key, a row is sent when the one before it is confirmed or set aside. What throws ends the round, and is sent again in another,
 * under the same id.
 *
 * @internal
 */
final class Round
{
    /** How long slots rest whose rows must be tried again. */
    private const REST_MS = 1000;

    private readonly string $token;
    private float $sendUntil = 0;

    /** @var array<string, true> keys of which a row must be tried again: none of theirs is sent any more */
    private array $held = [];

    /** @var array<int, true> */
    private array $tired = [];
    private int $published = 0;
    private int $judged = 0;

    /**
     * @param \Closure(): bool $stopping
     */
    public function __construct(
        private readonly Client $bus,
        private readonly RelayStore $store,
        private readonly RelayOptions $options,
        private readonly PageSize $page,
        private readonly \Closure $stopping,
    ) {
        $this->token = bin2hex(random_bytes(16));
    }

    public function run(): void
    {
        $free = $this->store->look();
        if ($free === []) {
            return;
        }
        // Half of what is free, so that relays that begin together share; not always the same first.
        $turn = random_int(0, \count($free) - 1);
        $wanted = \array_slice([...\array_slice($free, $turn), ...\array_slice($free, 0, $turn)], 0, (int) ceil(\count($free) / 2));
        $this->sendUntil = self::clock() + $this->options->lease / 2;
        $slots = $this->store->claim($wanted, $this->token, (int) ($this->options->lease * 1000));
        if ($slots === []) {
            return;
        }
        try {
            $this->drain($slots);
        } finally {
            $this->giveBack($slots);
        }
    }

    /** How many rows it took off the table. */
    public function published(): int
    {
        return $this->published;
    }

    /** Whether another round may find rows that this one did not come to; not while the bus is away. */
    public function progressed(): bool
    {
        return $this->published + $this->judged > 0;
    }

    /**
     * @param non-empty-list<int> $slots
     */
    private function drain(array $slots): void
    {
        $open = array_fill_keys($slots, 0);
        while ($open !== [] && $this->maySend()) {
            $limit = max(1, intdiv($this->page->rows(), \count($open)));
            $sizes = $this->store->measure($open, $limit);
            $this->page->saw($sizes);
            $this->sendPages($sizes);
            $open = self::unfinished($sizes, $limit);
        }
    }

    /**
     * What was measured is read in portions that memory holds.
     *
     * @param list<RowSize> $sizes
     */
    private function sendPages(array $sizes): void
    {
        foreach (Portions::of($sizes, $this->options->batch, PageSize::BYTES, static fn(RowSize $size) => $size->bytes) as $page) {
            if (!$this->maySend()) {
                return;
            }
            $this->sendAll($this->store->read(array_map(static fn(RowSize $size) => $size->seq, $page)));
        }
    }

    /**
     * The first of every key goes, and when these are confirmed the second, and so on; what has no key goes at once.
     *
     * @param list<RelayedRow> $rows
     */
    private function sendAll(array $rows): void
    {
        while ($rows !== [] && $this->maySend()) {
            $wave = [];
            $later = [];
            $keys = [];
            foreach ($rows as $row) {
                if ($row->key !== '' && isset($this->held[$row->key])) {
                    continue;
                }
                if ($row->key !== '' && isset($keys[$row->key])) {
                    $later[] = $row;
                    continue;
                }
                $keys[$row->key] = true;
                $wave[] = $row;
            }
            if ($wave === []) {
                return;
            }
            $this->settle($wave, $this->send($wave));
            $rows = $later;
        }
    }

    /**
     * @param non-empty-list<RelayedRow> $wave
     *
     * @return list<Published|WaybillException>
     */
    private function send(array $wave): array
    {
        try {
            return $this->bus->publishMany(array_map(self::item(...), $wave));
        } catch (PublishManyException $exception) {
            return $exception->results;
        } catch (\Exception $exception) {
            // What is no answer to a row alone, such as what a token's closure throws, is no fault of the rows.
            $failure = $exception instanceof WaybillException && \count($wave) === 1
                ? $exception
                : Failure::of($exception->getMessage(), new Details(Status::Unavailable), $exception);

            return array_fill(0, \count($wave), $failure);
        }
    }

    /**
     * @param non-empty-list<RelayedRow> $wave
     * @param list<Published|WaybillException> $results
     */
    private function settle(array $wave, array $results): void
    {
        $done = [];
        $refused = [];
        foreach ($wave as $at => $row) {
            $result = $results[$at] ?? null;
            if ($result instanceof Published) {
                $done[] = $row->seq;
            } elseif ($result !== null) {
                $refused[] = [$row, $result];
            }
        }
        if ($done !== []) {
            $this->store->remove($done);
            $this->published += \count($done);
        }
        foreach ($refused as [$row, $exception]) {
            $this->refused($row, $exception);
        }
    }

    private function refused(RelayedRow $row, WaybillException $exception): void
    {
        $refusal = Refusal::of($exception);
        $fail = $refusal === Refusal::Final || ($refusal === Refusal::Unsure && $row->attempts + 1 >= $this->options->maxAttempts);
        if ($refusal !== Refusal::Later) {
            ++$this->judged;
            $this->store->refused($row->seq, $exception->getMessage(), $fail);
        }
        if (!$fail) {
            $this->held[$row->key] = true;
            $this->tired[$row->slot] = true;
        }
        if ($this->options->onError !== null) {
            ($this->options->onError)($exception, $row);
        }
        if ($fail && $this->options->onFailed !== null) {
            ($this->options->onFailed)($row, $exception);
        }
    }

    /**
     * @param non-empty-list<int> $slots
     */
    private function giveBack(array $slots): void
    {
        $tired = array_keys($this->tired);
        $fresh = array_values(array_diff($slots, $tired));
        if ($fresh !== []) {
            $this->store->giveBack($fresh, $this->token, 0);
        }
        if ($tired !== []) {
            $this->store->giveBack($tired, $this->token, self::REST_MS);
        }
    }

    private function maySend(): bool
    {
        return self::clock() < $this->sendUntil && !($this->stopping)();
    }

    /** Seconds of a clock that never goes back. */
    private static function clock(): float
    {
        return hrtime(true) / 1e9;
    }

    private static function item(RelayedRow $row): PublishItem
    {
        $due = $row->dueMs > 0 ? \DateTimeImmutable::createFromFormat('U.v', \sprintf('%d.%03d', intdiv($row->dueMs, 1000), $row->dueMs % 1000)) : false;

        return new PublishItem($row->topic, $row->body, new PublishOptions(
            $row->id,
            $row->key,
            $row->headers,
            null,
            $due === false ? null : $due,
            $row->ttlMs > 0 ? $row->ttlMs / 1000 : null,
        ));
    }

    /**
     * The slots of which as many rows as asked for were found, and where to go on.
     *
     * @param list<RowSize> $sizes
     *
     * @return array<int, int>
     */
    private static function unfinished(array $sizes, int $limit): array
    {
        $many = [];
        $last = [];
        foreach ($sizes as $size) {
            $many[$size->slot] = ($many[$size->slot] ?? 0) + 1;
            $last[$size->slot] = $size->seq;
        }

        return array_filter($last, static fn(int $slot) => $many[$slot] >= $limit, \ARRAY_FILTER_USE_KEY);
    }
}
