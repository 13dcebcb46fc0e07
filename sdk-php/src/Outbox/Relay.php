<?php

declare(strict_types=1);

namespace Waybill\Outbox;

use Waybill\Client;
use Waybill\Exception\Details;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\InvalidArgumentException;
use Waybill\Status;

/**
 * Moves rows of an outbox table to the bus. Any number may run on one table, also sdk-ts's; docs/outbox.md tells why nothing is
 * skipped, and a crash is a duplicate under the same id at most.
 *
 * The client's `deadline` is at most half of the lease, so that what was sent has an outcome while the slots are this relay's.
 */
final class Relay
{
    /** Owner of all slots where a table is read by table consumers. */
    private const CLIENTS = 'clients';
    private const FIRST_PAUSE = 0.1;
    private const LONGEST_PAUSE = 5.0;

    /** A signal's handler runs between two of these. */
    private const NAP = 0.1;

    private readonly RelayStore $store;
    private bool $stopping = false;
    private readonly PageSize $page;

    /**
     * @param \PDO|\Closure(): \PDO $database a connection on which nobody opens transactions; a closure is called again after a failure,
     *                                        and should then connect anew
     */
    public function __construct(
        private readonly Client $bus,
        \PDO|\Closure $database,
        private readonly RelayOptions $options = new RelayOptions(),
    ) {
        $this->store = new RelayStore($database instanceof \PDO ? static fn() => $database : $database, $options->table);
        $this->page = new PageSize($options->batch);
    }

    /**
     * Relays until `stop`. A database or a bus that is away is no error: it tries again, and tells `onError`.
     *
     * @param (\Closure(int): void)|null $onPublished told how many rows a round has published
     *
     * @throws FailedPreconditionException when the table is read by table consumers, or not set up
     */
    public function run(?\Closure $onPublished = null): void
    {
        $pause = self::FIRST_PAUSE;
        $judged = false;
        while (!$this->stopping) {
            try {
                $judged = $judged || $this->judge();
                $published = $this->round()->published();
                $pause = self::FIRST_PAUSE;
                if ($published > 0) {
                    $onPublished !== null && $onPublished($published);
                } else {
                    $this->rest($this->options->tick);
                }
            } catch (\PDOException $exception) {
                $this->store->reconnect();
                $this->options->onError !== null && ($this->options->onError)($exception, null);
                $this->rest($pause);
                $pause = min(self::LONGEST_PAUSE, $pause * 2);
            }
        }
    }

    /** Relays what is there, and returns when nothing is left, or the bus is away. Answers how many rows were published. */
    public function drain(): int
    {
        $this->judge();
        $all = 0;
        do {
            $round = $this->round();
            $all += $round->published();
        } while ($round->progressed() && !$this->stopping);

        return $all;
    }

    /** Ends `run` in order: what was sent is confirmed and settled, nothing else is begun. May be called by a signal's handler. */
    public function stop(): void
    {
        $this->stopping = true;
    }

    public function lag(): Lag
    {
        return $this->store->lag();
    }

    /**
     * Rows that were set aside, oldest first.
     *
     * @param int $limit 1 to 10,000
     * @param int $after the last one's `seq` of the page before
     *
     * @return list<FailedRow>
     */
    public function failed(int $limit = 100, int $after = 0): array
    {
        if ($limit < 1 || $limit > 10_000) {
            throw InvalidArgumentException::option('limit', (string) $limit, 'a whole number from 1 to 10000');
        }

        return $this->store->failed($limit, $after);
    }

    /**
     * Tries failed rows again, those named by their `seq`, or all. Answers how many.
     *
     * @param list<int>|null $seqs
     */
    public function retry(?array $seqs = null): int
    {
        return $seqs === [] ? 0 : $this->store->retry($seqs);
    }

    private function round(): Round
    {
        $round = new Round($this->bus, $this->store, $this->options, $this->page, fn() => $this->stopping);
        $round->run();

        return $round;
    }

    private function judge(): bool
    {
        $owners = $this->store->owners();
        $why = match (true) {
            \in_array(self::CLIENTS, $owners, true) => "{$this->options->table} is read by table consumers: write to another table what a relay should publish",
            \count($owners) < Row::SLOTS => "{$this->options->table}_slots lacks rows: run the statements of Schema::outbox()",
            default => null,
        };
        if ($why !== null) {
            throw new FailedPreconditionException($why, new Details(Status::FailedPrecondition, 'OUTBOX_TABLE'));
        }

        return true;
    }

    private function rest(float $seconds): void
    {
        $until = hrtime(true) / 1e9 + $seconds;
        while (!$this->stopping && ($left = $until - hrtime(true) / 1e9) > 0) {
            usleep((int) (min($left, self::NAP) * 1_000_000));
        }
    }
}
