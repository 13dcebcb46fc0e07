import { Backoff } from '../backoff.js';
import type { Bus } from '../bus.js';
import { type Duration, milliseconds } from '../duration.js';
import { FailedPreconditionError } from '../errors.js';
import { count } from '../options.js';
import { pause } from '../pause.js';
import { tell } from '../tell.js';
import { tableName } from './dialect.js';
import { handleOf, type Transaction } from './handles/recognise.js';
import { PageSize } from './page-size.js';
import { Round } from './relay-round.js';
import { CLIENTS, type FailedRow, type Lag, RelayStore } from './relay-store.js';
import { OUTBOX_TABLE, SLOTS } from './tables.js';

const MAX_WARNINGS = 100;

export interface RelayOptions {
  /** Where to publish. The relay does not close it. */
  bus: Pick<Bus, 'publish'>;
  /** A pool to the database of the outbox, or for SQLite a connection of the relay's own: nothing is published while a transaction is open on it. The relay does not close it. */
  database: Transaction;
  /** The outbox table. Default: `waybill_outbox`. */
  table?: string;
  /** How long the relay waits before it looks again when there was nothing, 10 ms to 1 h. `wake` makes it look at once. Default: 500 ms. */
  tick?: Duration;
  /** The most rows of one read, 1 to 10,000; fewer are read while bodies are large. Default: 1,000. */
  batch?: number;
  /** How many rounds run at the same time, 1 to 8. Default: 2, so that one reads while another waits for the bus. */
  lanes?: number;
  /** How long others leave the slots of a relay that died alone, 1 s to 10 min. A publish is given up by then. Default: 10 s. */
  lease?: Duration;
  /** How often a row may be refused in a way that may be its own fault before it is set aside, 1 to 1,000. Default: 10. */
  maxAttempts?: number;
  /** Told of a round that failed (the database is away), and, with its row, of a publish that failed. Default: a warning of the process, once for each message. */
  onError?: (error: Error, row?: RelayedRow) => void;
  /** Told of a row that was set aside. Default: nothing, `relay.failed()` lists them. */
  onFailed?: (row: RelayedRow, error: Error) => void;
}

export interface RelayedRow {
  readonly seq: number;
  readonly id: string;
  readonly topic: string;
  readonly key: string;
}

/** Moves rows of an outbox table to the bus. Any number may run on one table, also sdk-php's. */
export interface Relay {
  /**
   * Starts; resolves after the first look at the table. Rejects with FailedPreconditionError when the table is read by table consumers, or not
   * set up. A database that is away is not an error: the relay tries again until it stops. Safe twice.
   */
  start(): Promise<void>;
  /** Ends in order: what was sent is confirmed and settled, nothing else is begun. At most one lease long. Never rejects. Safe twice, and before `start`. */
  stop(): Promise<void>;
  /** There are new rows: look now instead of at the next tick. To be called after the commit. */
  wake(): void;
  /** How far the relays are behind. */
  lag(): Promise<Lag>;
  /** How many rows this relay has published. */
  readonly published: number;
  /** Rows that were set aside, oldest first; `after` is the last one's `seq` of the page before. Default: 100. */
  failed(options?: { limit?: number; after?: number }): Promise<FailedRow[]>;
  /** Tries failed rows again, those named by their `seq`, or all. Resolves with how many. */
  retry(seqs?: readonly number[]): Promise<number>;
}

/** @example const relay = createRelay({ bus, database: pool }); await relay.start(); */
export function createRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

class OutboxRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #store: RelayStore;
  readonly #tickMs: number;
  readonly #leaseMs: number;
  readonly #lanes: number;
  readonly #maxAttempts: number;
  readonly #page: PageSize;
  readonly #warned = new Set<string>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #starting: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #published = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { table = OUTBOX_TABLE, tick = 500, lease = 10_000, batch = 1_000, lanes = 2, maxAttempts = 10 } = options;
    this.#store = new RelayStore(handleOf(options.database, 'database'), tableName(table, 'table'));
    this.#tickMs = milliseconds(tick, 'tick', 10, 3_600_000);
    this.#leaseMs = milliseconds(lease, 'lease', 1_000, 600_000);
    this.#page = new PageSize(count(batch, 'batch', 1, 10_000));
    this.#lanes = count(lanes, 'lanes', 1, 8);
    this.#maxAttempts = count(maxAttempts, 'maxAttempts', 1, 1_000);
  }

  get published(): number {
    return this.#published;
  }

  start(): Promise<void> {
    this.#starting ??= this.#begin();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#starting?.catch(() => undefined);
    await this.#running;
  }

  wake(): void {
    this.#wake.abort();
  }

  lag(): Promise<Lag> {
    return this.#store.lag();
  }

  failed({ limit = 100, after = 0 }: { limit?: number; after?: number } = {}): Promise<FailedRow[]> {
    return this.#store.failed(count(limit, 'limit', 1, 10_000), count(after, 'after', 0));
  }

  async retry(seqs?: readonly number[]): Promise<number> {
    if (seqs?.length === 0) return 0;
    const many = await this.#store.retry(seqs?.map((seq) => count(seq, 'seqs', 1)));
    this.wake();
    return many;
  }

  async #begin(): Promise<void> {
    try {
      this.#judge(await this.#store.owners());
    } catch (error) {
      if (error instanceof FailedPreconditionError) throw error;
      this.#report(error);
    }
    this.#running = Promise.all(Array.from({ length: this.#lanes }, () => this.#lane()));
  }

  #judge(owners: readonly string[]): void {
    const why = owners.includes(CLIENTS)
      ? `${this.#store.table} is read by table consumers: write to another table what a relay should publish`
      : owners.length < SLOTS && `${this.#store.table}_slots lacks rows: run the statements of outboxTables()`;
    if (why) throw new FailedPreconditionError(why, { code: 'FAILED_PRECONDITION', reason: 'OUTBOX_TABLE' });
  }

  async #lane(): Promise<void> {
    const backoff = new Backoff(100, 5_000);
    while (!this.#stop.signal.aborted) {
      let restMs = this.#tickMs;
      try {
        // A wake-up from here on is for the rows that this round may miss.
        if (this.#wake.signal.aborted) this.#wake = new AbortController();
        if ((await this.#round()) > 0) restMs = 0;
        backoff.reset();
      } catch (error) {
        this.#report(error);
        restMs = backoff.next();
      }
      if (restMs > 0) await pause(restMs, this.#wake.signal).catch(() => undefined);
    }
  }

  #round(): Promise<number> {
    const { bus, onFailed } = this.#options;
    return new Round({
      bus,
      store: this.#store,
      page: this.#page,
      leaseMs: this.#leaseMs,
      maxAttempts: this.#maxAttempts,
      stopping: () => this.#stop.signal.aborted,
      onPublished: (rows) => {
        this.#published += rows;
      },
      onRefused: (row, error, failed) => {
        this.#report(error, row);
        if (failed && onFailed !== undefined) tell(() => onFailed(row, error));
      },
    }).run();
  }

  #report(thrown: unknown, row?: RelayedRow): void {
    const { onError } = this.#options;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (onError === undefined) this.#warn(error);
    else tell(() => onError(error, row));
  }

  // A bus that is away for an hour would say so a million times.
  #warn(error: Error): void {
    if (this.#warned.has(error.message) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(error.message);
    process.emitWarning(error);
  }
}
