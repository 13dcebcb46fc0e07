import { FailedPreconditionError } from '../errors.js';
import { NOW_MS } from './dialect.js';
import { type Cells, count, type Handle } from './handles/handle.js';
import { SLOTS } from './tables.js';

/** A row on its way to the bus. */
export interface WaitingRow {
  readonly seq: number;
  readonly slot: number;
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly body: Uint8Array;
  readonly dueMs: number;
  readonly ttlMs: number;
  readonly attempts: number;
}

/** A row that the bus refused for good. */
export interface FailedRow {
  readonly seq: number;
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly attempts: number;
  readonly error: string;
  readonly createdAt: Date;
}

export interface Lag {
  /** Rows that wait to be published. */
  readonly rows: number;
  /** The age of the oldest, in milliseconds; 0 when none waits. */
  readonly oldestMs: number;
  /** Rows that the bus refused for good. */
  readonly failed: number;
}

/** Owner of all slots where a table is read by table consumers. */
export const CLIENTS = 'clients';
const MAX_ERROR = 1_024;

/** The statements of docs/outbox.md, each a transaction of its own. Numbers of ours are written in; texts are passed beside. */
export class RelayStore {
  readonly #slots: string;
  readonly #now: string;

  constructor(
    readonly handle: Handle,
    readonly table: string,
  ) {
    this.#slots = `${table}_slots`;
    this.#now = NOW_MS[handle.dialect];
  }

  /** Who owns the slots, to tell a table that is not ready or belongs to table consumers. */
  async owners(): Promise<string[]> {
    const rows = await this.handle.query(`SELECT owner FROM ${this.#slots} WHERE slot < ${SLOTS}`);
    return rows.map(({ owner }) => String(owner));
  }

  /** Free slots with waiting rows. */
  async look(): Promise<number[]> {
    const rows = await this.handle.query(
      `SELECT slot FROM ${this.#slots} s WHERE until_ms <= ${this.#now}
         AND EXISTS (SELECT 1 FROM ${this.table} o WHERE o.state = 'waiting' AND o.slot = s.slot)`,
    );
    return rows.map(({ slot }) => count(slot));
  }

  /** Tries to get slots; answers which were got. */
  async claim(slots: readonly number[], token: string, leaseMs: number): Promise<number[]> {
    const changed = await this.handle.execute(
      `UPDATE ${this.#slots} SET owner = ?, until_ms = ${this.#now} + ${leaseMs}
         WHERE slot IN (${slots.join(', ')}) AND until_ms <= ${this.#now}`,
      [token],
    );
    if (changed === 0) return [];
    const rows = await this.handle.query(`SELECT slot FROM ${this.#slots} WHERE owner = ?`, [token]);
    return rows.map(({ slot }) => count(slot));
  }

  /** The next rows of each slot after a number, in order. `slots` maps a slot to that number. */
  async read(slots: ReadonlyMap<number, number>, limit: number): Promise<WaitingRow[]> {
    // It would see what is not committed, and publish what is then rolled back.
    if (this.handle.inTransaction === true) throw sharedConnection();
    const parts = Array.from(
      slots,
      ([slot, after]) =>
        `SELECT * FROM (SELECT seq, slot, id, topic, message_key, headers, body, due_ms, ttl_ms, attempts FROM ${this.table}
           WHERE state = 'waiting' AND slot = ${slot} AND seq > ${after} ORDER BY seq LIMIT ${limit}) AS slot_${slot}`,
    );
    const rows = await this.handle.query(parts.join(' UNION ALL '));
    return rows.map(waitingRow).sort((a, b) => a.seq - b.seq);
  }

  /** The bus has them. */
  async remove(seqs: readonly number[]): Promise<void> {
    await this.handle.execute(`DELETE FROM ${this.table} WHERE seq IN (${seqs.join(', ')})`);
  }

  /** Counts a refusal; `fail` sets the row aside. */
  async refused(seq: number, error: string, fail: boolean): Promise<void> {
    const state = fail ? "state = 'failed', " : '';
    await this.handle.execute(
      `UPDATE ${this.table} SET ${state}attempts = attempts + 1, last_error = ? WHERE seq = ${seq}`,
      [error.slice(0, MAX_ERROR)],
    );
  }

  async giveBack(slots: readonly number[], token: string, restMs: number): Promise<void> {
    await this.handle.execute(
      `UPDATE ${this.#slots} SET owner = '', until_ms = ${this.#now} + ${restMs}
         WHERE slot IN (${slots.join(', ')}) AND owner = ?`,
      [token],
    );
  }

  async lag(): Promise<Lag> {
    const rows = await this.handle.query(
      `SELECT state AS state, COUNT(*) AS many, ${this.#now} - MIN(created_ms) AS age FROM ${this.table} GROUP BY state`,
    );
    const of = (state: string) => rows.find((row) => row.state === state);
    const [waiting, failed] = [of('waiting'), of('failed')];
    return {
      rows: waiting === undefined ? 0 : count(waiting.many),
      oldestMs: waiting === undefined ? 0 : Math.max(0, Math.round(Number(waiting.age))),
      failed: failed === undefined ? 0 : count(failed.many),
    };
  }

  async failed(limit: number, after: number): Promise<FailedRow[]> {
    const rows = await this.handle.query(
      `SELECT seq, id, topic, message_key, attempts, last_error, created_ms FROM ${this.table}
         WHERE state = 'failed' AND seq > ${after} ORDER BY seq LIMIT ${limit}`,
    );
    return rows.map((row) => ({
      seq: count(row.seq),
      id: String(row.id),
      topic: String(row.topic),
      key: String(row.message_key),
      attempts: count(row.attempts),
      error: String(row.last_error ?? ''),
      createdAt: new Date(count(row.created_ms)),
    }));
  }

  /** Failed rows wait again; answers how many. */
  retry(seqs: readonly number[] | undefined): Promise<number> {
    const which = seqs === undefined ? '' : ` AND seq IN (${seqs.join(', ')})`;
    return this.handle.execute(
      `UPDATE ${this.table} SET state = 'waiting', attempts = 0 WHERE state = 'failed'${which}`,
    );
  }
}

function sharedConnection(): FailedPreconditionError {
  return new FailedPreconditionError(
    'a transaction is open on the database of the relay: give the relay a connection of its own',
    { code: 'FAILED_PRECONDITION', reason: 'DATABASE_SHARED' },
  );
}

function waitingRow(row: Cells): WaitingRow {
  return {
    seq: count(row.seq),
    slot: count(row.slot),
    id: String(row.id),
    topic: String(row.topic),
    key: String(row.message_key),
    headers: headersOf(row.headers),
    body: bodyOf(row.body),
    dueMs: count(row.due_ms),
    ttlMs: count(row.ttl_ms),
    attempts: count(row.attempts),
  };
}

/** Headers as the column has them; undefined for none, or for what is no object of strings. */
export function headersOf(column: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof column !== 'string' || column === '') return undefined;
  const parsed: unknown = JSON.parse(column);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
}

/** Some libraries give bytes that are text as a string. */
export function bodyOf(column: unknown): Uint8Array {
  return column instanceof Uint8Array ? column : Buffer.from(String(column), 'utf8');
}
