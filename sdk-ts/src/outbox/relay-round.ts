import { randomUUID } from 'node:crypto';
import type { Bus, PublishOptions } from '../bus.js';
import type { PageSize } from './page-size.js';
import { refusalOf } from './refusal.js';
import type { RelayStore, WaitingRow } from './relay-store.js';

/** How long slots rest whose rows must be tried again. */
const REST_MS = 1_000;

export interface RoundOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly store: RelayStore;
  readonly page: PageSize;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** Whether no more rows should be begun. */
  readonly stopping: () => boolean;
  readonly onPublished: (rows: number) => void;
  readonly onRefused: (row: WaitingRow, error: Error, failed: boolean) => void;
}

/**
 * One turn of a relay over some slots.
 *
 *   look ─▶ claim ─▶ read ─▶ send ─▶ settle ─┬─▶ give back
 *                     ▲  more rows, and time  │
 *                     └───────────────────────┘
 *
 * Of a key, a row is sent when the one before it is confirmed or set aside. What throws ends the round, and is sent again in another, under
 * the same id.
 */
export class Round {
  readonly #options: RoundOptions;
  readonly #token = randomUUID();
  /** Nothing is sent after `#sendUntil`; what was sent has an outcome by `#leaseEnd`. By a clock that never goes back. */
  #sendUntil = 0;
  #leaseEnd = 0;
  /** Keys of which a row must be tried again: none of theirs is sent any more. */
  readonly #held = new Set<string>();
  readonly #tired = new Set<number>();
  #published = 0;

  constructor(options: RoundOptions) {
    this.#options = options;
  }

  /** Answers how many rows it took off the table. */
  async run(): Promise<number> {
    const { store, leaseMs } = this.#options;
    const free = await store.look();
    if (free.length === 0) return 0;
    // Half of what is free, so that relays that begin together share; not always the same first.
    const wanted = rotated(free).slice(0, Math.ceil(free.length / 2));
    const begun = performance.now();
    this.#sendUntil = begun + leaseMs / 2;
    this.#leaseEnd = begun + leaseMs;
    const slots = await store.claim(wanted, this.#token, leaseMs);
    if (slots.length === 0) return 0;
    try {
      await this.#drain(slots);
    } finally {
      await this.#giveBack(slots);
    }
    return this.#published;
  }

  async #drain(slots: readonly number[]): Promise<void> {
    const { store, page } = this.#options;
    let open: ReadonlyMap<number, number> = new Map(slots.map((slot) => [slot, 0]));
    while (open.size > 0 && this.#maySend()) {
      const limit = Math.max(1, Math.floor(page.rows / open.size));
      const rows = await store.read(open, limit);
      page.saw(
        rows.length,
        rows.reduce((bytes, { body }) => bytes + body.length, 0),
      );
      await this.#sendAll(rows);
      open = unfinished(rows, limit);
    }
  }

  async #sendAll(rows: readonly WaitingRow[]): Promise<void> {
    const done: number[] = [];
    try {
      const chains = chainsOf(rows.filter(({ key }) => key === '' || !this.#held.has(key)));
      await Promise.all(chains.map((chain) => this.#sendChain(chain, done)));
    } finally {
      if (done.length > 0) {
        await this.#options.store.remove(done);
        this.#published += done.length;
        this.#options.onPublished(done.length);
      }
    }
  }

  async #sendChain(chain: readonly WaitingRow[], done: number[]): Promise<void> {
    for (const row of chain) {
      if (!this.#maySend()) return;
      const error = await this.#send(row);
      if (error === undefined) done.push(row.seq);
      else if (!(await this.#refused(row, error))) return;
    }
  }

  /** Undefined when the bus has it. */
  async #send({ topic, id, key, headers, body, dueMs, ttlMs }: WaitingRow): Promise<unknown> {
    const options: PublishOptions = { id, key, deadline: Math.max(1, Math.floor(this.#leaseEnd - performance.now())) };
    if (headers !== undefined) options.headers = headers;
    if (dueMs > 0) options.at = new Date(dueMs);
    if (ttlMs > 0) options.ttl = ttlMs;
    try {
      await this.#options.bus.publish(topic, body, options);
      return undefined;
    } catch (error) {
      return error ?? new Error('the publish failed without a reason');
    }
  }

  /** Whether the row was set aside, so that the next of its key may go. */
  async #refused(row: WaitingRow, thrown: unknown): Promise<boolean> {
    const { store, maxAttempts, onRefused } = this.#options;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const refusal = refusalOf(error);
    const fail = refusal === 'final' || (refusal === 'unsure' && row.attempts + 1 >= maxAttempts);
    if (refusal !== 'later') await store.refused(row.seq, error.message, fail);
    if (!fail) {
      if (row.key !== '') this.#held.add(row.key);
      this.#tired.add(row.slot);
    }
    onRefused(row, error, fail);
    return fail;
  }

  async #giveBack(slots: readonly number[]): Promise<void> {
    const { store } = this.#options;
    const fresh = slots.filter((slot) => !this.#tired.has(slot));
    if (fresh.length > 0) await store.giveBack(fresh, this.#token, 0);
    if (this.#tired.size > 0) await store.giveBack([...this.#tired], this.#token, REST_MS);
  }

  #maySend(): boolean {
    return performance.now() < this.#sendUntil && !this.#options.stopping();
  }
}

/** Rows of one key, in order; a row without a key by itself. */
function chainsOf(rows: readonly WaitingRow[]): WaitingRow[][] {
  const chains: WaitingRow[][] = [];
  const byKey = new Map<string, WaitingRow[]>();
  for (const row of rows) {
    const chain = row.key === '' ? undefined : byKey.get(row.key);
    if (chain !== undefined) {
      chain.push(row);
      continue;
    }
    const begun = [row];
    chains.push(begun);
    if (row.key !== '') byKey.set(row.key, begun);
  }
  return chains;
}

/** The slots whose page was full, and where to read on. */
function unfinished(rows: readonly WaitingRow[], limit: number): ReadonlyMap<number, number> {
  const last = new Map<number, { rows: number; seq: number }>();
  for (const { slot, seq } of rows) last.set(slot, { rows: (last.get(slot)?.rows ?? 0) + 1, seq });
  return new Map([...last].filter(([, page]) => page.rows >= limit).map(([slot, { seq }]) => [slot, seq]));
}

function rotated(slots: readonly number[]): number[] {
  const begin = Math.floor(Math.random() * slots.length);
  return [...slots.slice(begin), ...slots.slice(0, begin)];
}
