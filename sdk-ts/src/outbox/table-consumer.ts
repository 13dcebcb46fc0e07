import { randomUUID } from 'node:crypto';
import { Backoff } from '../backoff.js';
import { type Duration, milliseconds } from '../duration.js';
import { InvalidArgumentError } from '../errors.js';
import { count } from '../options.js';
import { pause } from '../pause.js';
import { tell } from '../tell.js';
import { tableName } from './dialect.js';
import { databaseOf, type Transaction } from './handles/recognise.js';
import type { Place, PlacedMessage, TableMessage } from './table-message.js';
import { TableStore } from './table-store.js';
import { OUTBOX_TABLE } from './tables.js';

export interface TableConsumerOptions {
  /** A pool of mysql2 or pg, or a database of SQLite on which nobody else opens transactions. The consumer does not close it. */
  database: Transaction;
  /** Who consumes: every client gets all rows, and processes with the same client take turns. 1 to 64 characters of visible ASCII. */
  client: string;
  /** The outbox table; no relay may run on it. Default: `waybill_outbox`. */
  table?: string;
  /** Where a client that is new begins: with the oldest row that is still kept, or with the next that commits. Default: `oldest`. */
  from?: 'oldest' | 'newest';
  /** The most rows of one read, 1 to 10,000. Default: 100. */
  batch?: number;
  /** How long to wait before looking again when there was nothing, 10 ms to 1 h. Default: 500 ms. */
  tick?: Duration;
  /** The place is stored after so many messages, 1 to 10,000. Default: 100. */
  commitMessages?: number;
  /** And after this time, 0 (after every message) to 1 h, whichever is first. Default: 1 s. */
  commitAfter?: Duration;
  /** How often a message is tried again before it is given up, from 0. Default: endlessly, so that one that fails holds up the client. */
  retries?: number;
  /** How long others leave the client of a process that died alone, 1 s to 10 min. Default: 10 s. */
  lease?: Duration;
  /** Told of every failure: of the handler, with its message, and of the database. Default: a warning of the process. */
  onError?: (error: Error, message?: TableMessage) => void;
  /** Told of a message that was given up, before the client goes on after it. When this throws or rejects, the message is tried again. Default: nobody. */
  onGiveUp?: (message: TableMessage, error: Error) => void | Promise<void>;
}

/** `signal` aborts when the consumer stops or the client is another process's: what goes on after that happens twice. */
export type TableHandler = (message: TableMessage, signal: AbortSignal) => void | Promise<void>;

/** Consumes an outbox table without a gateway: each client all rows, one by one in the order of their commits, at least once. */
export interface TableConsumer {
  /** Starts. Safe twice. */
  start(): void;
  /** Ends in order: the running handler finishes, and the place is stored. Never rejects. Safe twice, and before `start`. */
  stop(): Promise<void>;
  /** There are new rows: look now. */
  wake(): void;
}

/** @example createTableConsumer({ database: pool, client: 'mailer' }, (message) => send(message.json())).start(); */
export function createTableConsumer(options: TableConsumerOptions, handler: TableHandler): TableConsumer {
  return new Consumer(options, handler);
}

/** The client is another process's: begin anew from what is stored, when it is free. */
class ClientLost extends Error {}

/**
 *   standing by ── lease ──▶ reading ─▶ handling ─▶ commit ─┐
 *      ▲                        ▲                            │
 *      │ lease lost             └────────────────────────────┘
 */
class Consumer implements TableConsumer {
  readonly #options: TableConsumerOptions;
  readonly #handler: TableHandler;
  readonly #store: TableStore;
  readonly #token = randomUUID();
  readonly #tickMs: number;
  readonly #leaseMs: number;
  readonly #batch: number;
  readonly #commitMessages: number;
  readonly #commitAfterMs: number;
  readonly #retries: number;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  /** From one lease to its loss, or to the end of what there is. */
  #session = new AbortController();
  #running: Promise<void> | undefined;
  #leaseEnd = 0;
  /** Handled, and not stored yet. */
  #uncommitted = 0;
  #committedAt = 0;

  constructor(options: TableConsumerOptions, handler: TableHandler) {
    this.#options = options;
    this.#handler = handler;
    const { table = OUTBOX_TABLE, client, tick = 500, lease = 10_000, batch = 100 } = options;
    const { commitMessages = 100, commitAfter = 1_000, retries } = options;
    this.#store = new TableStore(databaseOf(options.database, 'database'), tableName(table, 'table'));
    if (!/^[\x21-\x7e]{1,64}$/.test(client)) throw badClient(client);
    this.#tickMs = milliseconds(tick, 'tick', 10, 3_600_000);
    this.#leaseMs = milliseconds(lease, 'lease', 1_000, 600_000);
    this.#batch = count(batch, 'batch', 1, 10_000);
    this.#commitMessages = count(commitMessages, 'commitMessages', 1, 10_000);
    this.#commitAfterMs = milliseconds(commitAfter, 'commitAfter', 0, 3_600_000);
    this.#retries = retries === undefined ? Number.POSITIVE_INFINITY : count(retries, 'retries', 0);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#session.abort();
    this.#wake.abort();
    await this.#running;
  }

  wake(): void {
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { client, from = 'oldest' } = this.#options;
    const backoff = new Backoff(100, 5_000);
    let registered = false;
    while (!this.#stop.signal.aborted) {
      let restMs = this.#tickMs;
      try {
        if (this.#wake.signal.aborted) this.#wake = new AbortController();
        if (!registered) await this.#store.register(client, from);
        registered = true;
        const place = (await this.#store.takeSlots()) ? await this.#lease() : undefined;
        if (place !== undefined) await this.#consume(place);
        backoff.reset();
      } catch (error) {
        if (!(error instanceof ClientLost)) {
          this.#report(error);
          restMs = backoff.next();
        }
      }
      await pause(restMs, this.#wake.signal).catch(() => undefined);
    }
    await this.#store.release(client, this.#token).catch((error: unknown) => this.#report(error));
  }

  /** Until there is nothing more. */
  async #consume(from: Place): Promise<void> {
    let place = from;
    this.#uncommitted = 0;
    this.#committedAt = performance.now();
    const session = new AbortController();
    this.#session = session;
    const keeping = setInterval(() => void this.#keepLease(session), this.#leaseMs / 3);
    try {
      while (!this.#stop.signal.aborted) {
        await this.#store.number();
        const rows = await this.#store.read(place, this.#batch);
        if (rows.length === 0) break;
        for (const row of rows) {
          if (this.#stop.signal.aborted || !(await this.#handled(row, session.signal))) return;
          place = row.place;
          this.#uncommitted++;
          if (this.#commitIsDue) await this.#commit(place);
        }
      }
    } finally {
      clearInterval(keeping);
      if (this.#uncommitted > 0) await this.#commit(place);
    }
    await this.#store.prune();
  }

  /** False when it was interrupted: the message is left to whoever comes next. */
  async #handled({ message }: PlacedMessage, signal: AbortSignal): Promise<boolean> {
    const backoff = new Backoff(100, 30_000);
    for (let tries = 0; !signal.aborted; tries++) {
      const error = await this.#try(message, signal);
      if (error === undefined) return true;
      this.#report(error, message);
      if (tries >= this.#retries && (await this.#givenUp(message, error))) return true;
      await pause(backoff.next(), signal).catch(() => undefined);
    }
    return false;
  }

  async #try(message: TableMessage, signal: AbortSignal): Promise<Error | undefined> {
    try {
      await this.#handler(message, signal);
      return undefined;
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  }

  async #givenUp(message: TableMessage, error: Error): Promise<boolean> {
    try {
      await this.#options.onGiveUp?.(message, error);
      return true;
    } catch (thrown) {
      this.#report(thrown, message);
      return false;
    }
  }

  /** Also while a handler takes long. */
  async #keepLease(session: AbortController): Promise<void> {
    const kept = await this.#lease().catch(() => undefined);
    if (kept === undefined && performance.now() >= this.#leaseEnd) session.abort(new ClientLost());
  }

  async #lease(): Promise<Place | undefined> {
    const asked = performance.now();
    const place = await this.#store.lease(this.#options.client, this.#token, this.#leaseMs);
    if (place !== undefined) this.#leaseEnd = asked + this.#leaseMs;
    return place;
  }

  get #commitIsDue(): boolean {
    const elapsed = performance.now() - this.#committedAt;
    return this.#uncommitted >= this.#commitMessages || elapsed >= this.#commitAfterMs;
  }

  async #commit(place: Place): Promise<void> {
    const stored = await this.#store.commit(this.#options.client, this.#token, place);
    if (!stored) throw new ClientLost();
    this.#uncommitted = 0;
    this.#committedAt = performance.now();
    await this.#store.prune();
  }

  #report(thrown: unknown, message?: TableMessage): void {
    const { onError } = this.#options;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (onError === undefined) process.emitWarning(error);
    else tell(() => onError(error, message));
  }
}

function badClient(client: string): InvalidArgumentError {
  const limit = '1 to 64 characters of visible ASCII';
  return new InvalidArgumentError(`client is ${JSON.stringify(client)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field: 'client',
    limit,
  });
}
