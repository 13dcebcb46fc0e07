import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { BusError, type Reason } from '../../model/errors.js';
import { type Clock, systemClock } from '../../ports/clock.js';
import { type Logger, silentLogger } from '../../ports/logger.js';
import type { Dependency } from '../../ports/service.js';
import { type Meters, silentMeters } from '../../ports/telemetry.js';
import { asBusError, faultOf } from './faults.js';
import { closeFile, openFile } from './open.js';
import type { Statement } from './statement.js';

export interface StoreOptions {
  /** The data file; its folder is made when it is not there. */
  readonly file: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Where its commits are counted. */
  readonly meters?: Pick<Meters, 'commit' | 'commitEntries'>;
}

/** The most operations in one commit: more would keep the event loop for longer than a few milliseconds. */
const MAX_GROUP = 512;
/** A commit of so many operations is a sign that more are on their way: the next one gathers for this long, in milliseconds. */
const BUSY_GROUP = 8;
const GATHER_MS = 1;
/** How often a store that failed tries whether it works again. */
const PROBE_MS = 1_000;

/** Throws, in words for the operator, when the file is in use, damaged, or of a newer gateway. */
export function openStore(options: StoreOptions): Store {
  const database = openFile(options.file);
  return new Store(database, options);
}

/**
 * The one data file of an embedded gateway, and its group commit.
 *
 * Failure contract: what `write` resolved is on the disk. When the disk is full or fails, `write` rejects with the reason
 * that its caller gave, `health` says why, and the store works again as soon as the disk does.
 */
export class Store implements Dependency {
  readonly name = 'sqlite';
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #meters: Pick<Meters, 'commit' | 'commitEntries'>;
  readonly #file: string;
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, StatementSyncInstance>();
  readonly #onRollback: (() => void)[] = [];
  #queue: Queued[] = [];
  #scheduled = false;
  #busy = false;
  #committedAt = 0;
  #closed = false;
  #fault: string | undefined;
  #probe: NodeJS.Timeout | undefined;

  constructor(database: DatabaseSyncInstance, options: StoreOptions) {
    const { file, logger = silentLogger, clock = systemClock, meters = silentMeters } = options;
    this.#meters = meters;
    this.#database = database;
    this.#file = file;
    this.logger = logger;
    this.clock = clock;
  }

  async start(): Promise<void> {}

  /** Commits what is queued, and closes the file. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    while (this.#queue.length > 0) this.#flush();
    this.#closed = true;
    clearTimeout(this.#probe);
    closeFile(this.#database, this.#file);
  }

  health(): string | undefined {
    return this.#closed ? 'the data file is closed' : this.#fault;
  }

  /** The same statement for the same text. It may only run inside `read` and `write`. */
  prepare<Row = never>(sql: string): Statement<Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs at once and sees what is committed. `unavailable` is the reason to give when the store is at fault. */
  read<T>(unavailable: Reason, query: () => T): T {
    if (this.#closed) throw new BusError(unavailable, 'the data file is closed');
    try {
      return query();
    } catch (error) {
      throw asBusError(error, unavailable);
    }
  }

  /**
   * Runs the operation in the next commit, together with what else is written in this tick, in the order of the calls.
   * It may run again when another one of its commit fails, so it must change nothing but the database.
   */
  write<T>(unavailable: Reason, operation: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(new BusError(unavailable, 'the data file is closed'));
        return;
      }
      let result: T;
      this.#queue.push({
        run: () => {
          result = operation();
        },
        done: () => resolve(result),
        failed: (error) => reject(asBusError(error, unavailable)),
      });
      this.#schedule();
    });
  }

  /** Calls back when operations that ran were undone, so that what was remembered of them can be forgotten. */
  onRollback(forget: () => void): void {
    this.#onRollback.push(forget);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const commit = () => {
      this.#scheduled = false;
      if (this.#closed) return;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule();
    };
    // After the input of this tick: all that it brought shares one sync of the disk. Right behind a large commit, the next one
    // waits for a moment.
    if (this.#busy && performance.now() - this.#committedAt < GATHER_MS) setTimeout(commit, GATHER_MS);
    else setImmediate(commit);
  }

  #flush(): void {
    const group = this.#queue.length > MAX_GROUP ? this.#queue.splice(0, MAX_GROUP) : this.#queue;
    if (group === this.#queue) this.#queue = [];
    if (group.length === 0) return;
    if (this.#commit(group) === undefined) return;
    // One of them failed, and the commit with it. Alone, each one stands or falls by itself.
    for (const queued of group) {
      const error = this.#commit([queued]);
      if (error !== undefined) queued.failed(error.cause);
    }
  }

  /** Answers what went wrong; then nothing was changed. */
  #commit(group: readonly Queued[]): { readonly cause: unknown } | undefined {
    const began = performance.now();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { run } of group) run();
      this.#database.exec('COMMIT');
    } catch (cause) {
      this.#rollback();
      this.#noteFault(faultOf(cause) ?? this.#fault);
      return { cause };
    }
    this.#busy = group.length >= BUSY_GROUP;
    this.#committedAt = performance.now();
    this.#meters.commit.observe((this.#committedAt - began) / 1000);
    this.#meters.commitEntries.observe(group.length);
    this.#noteFault(undefined);
    for (const { done } of group) done();
    return undefined;
  }

  #rollback(): void {
    try {
      // Some failures, a full disk among them, have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch (error) {
      this.logger.error({ error }, 'could not roll back');
    }
    for (const forget of this.#onRollback) forget();
  }

  #noteFault(fault: string | undefined): void {
    if (fault !== undefined && this.#probe === undefined) this.#probeLater();
    if (fault === this.#fault) return;
    if (fault === undefined) this.logger.info({ file: this.#file }, 'the data file works again');
    else this.logger.error({ file: this.#file, fault }, 'the data file cannot be used');
    this.#fault = fault;
  }

  /** An idle gateway that reports a fault may get no more work; so it looks by itself whether the fault is gone. */
  #probeLater(): void {
    this.#probe = setTimeout(() => {
      this.#probe = undefined;
      if (this.#fault === undefined) return;
      const touch = this.prepare(`UPDATE counters SET value = value WHERE name = 'claim'`);
      this.write('LEDGER_UNAVAILABLE', () => touch.run()).catch((error: unknown) => {
        this.logger.debug({ error }, 'the data file still cannot be used');
      });
    }, PROBE_MS).unref();
  }
}

interface Queued {
  readonly run: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}
