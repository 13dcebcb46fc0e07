import type { Body } from '../body.js';
import type { PublishItem } from '../bus.js';
import type { MessageOptions } from '../publisher/outgoing.js';
import { marks, tableName } from './dialect.js';
import { requireTransaction, type Value } from './handles/handle.js';
import { handleOf, syncHandleOf, type Transaction } from './handles/recognise.js';
import type { Sqlite } from './handles/sqlite.js';
import { type Row, rowOf } from './row.js';
import { RowIds } from './row-ids.js';
import { OUTBOX_TABLE } from './tables.js';

export interface OutboxOptions {
  /** The outbox table. Default: `waybill_outbox`. */
  table?: string;
}

/** A message that was written, and is published once its transaction has committed. */
export interface Written {
  readonly id: string;
}

/** Writes messages into the application's own database, in the transaction that it has open. A relay publishes them after the commit. */
export interface Outbox {
  /**
   * Writes a message; it exists when the caller's transaction commits, and never otherwise. `delay` counts from now, `ttl` from
   * when the bus accepts the message.
   *
   * `tx` is what the library has given for the open transaction. Rejects with InvalidArgumentError for what the bus would refuse and
   * for a `tx` that is a pool, and with what the library rejects with: then roll back.
   *
   * @example
   * await connection.beginTransaction();
   * await connection.execute('UPDATE accounts SET balance = balance - 10 WHERE id = 7');
   * await outbox.publish(connection, 'accounts.changed', { id: 7 }, { key: '7' });
   * await connection.commit();
   */
  publish(tx: Transaction, topic: string, body: Body, options?: MessageOptions): Promise<Written>;
  /** Writes many, in order. An item is a body with options of its own. */
  publishMany(tx: Transaction, topic: string, items: Iterable<PublishItem>): Promise<Written[]>;
  /** `publish` for SQLite, whose transactions are functions that must not wait: `db.transaction(() => outbox.publishSync(db, …))`. Throws. */
  publishSync(tx: Sqlite, topic: string, body: Body, options?: MessageOptions): Written;
}

/** Rows of one INSERT, by powers of two: a server keeps a prepared statement for each number. */
const CHUNKS = [64, 32, 16, 8, 4, 2, 1] as const;
/** MySQL takes 16 MiB and more in one statement, and some libraries write bytes as twice as many. A larger row goes by itself. */
const CHUNK_BYTES = 4 << 20;
const COLUMNS = 8;

/** An outbox. It holds nothing open: make it once, where the application starts. */
export function createOutbox(options: OutboxOptions = {}): Outbox {
  const into = `INSERT INTO ${tableName(options.table ?? OUTBOX_TABLE, 'table')} (slot, id, topic, message_key, headers, body, due_ms, ttl_ms) VALUES `;
  const statements = new Map<number, string>(
    CHUNKS.map((rows) => [rows, into + `(${marks(COLUMNS)}), `.repeat(rows).slice(0, -2)]),
  );
  const ids = new RowIds();
  const makeId = () => ids.next();
  const insertOne = statements.get(1) ?? '';

  return {
    async publish(tx, topic, body, messageOptions) {
      const handle = handleOf(tx, 'tx');
      requireTransaction(handle);
      const row = rowOf(topic, body, messageOptions, makeId, Date.now());
      await handle.execute(insertOne, valuesOf(row));
      return { id: row.id };
    },

    async publishMany(tx, topic, items) {
      const handle = handleOf(tx, 'tx');
      requireTransaction(handle);
      const now = Date.now();
      const rows = Array.from(items, (item) => rowOf(topic, item.body, item, makeId, now));
      for (let from = 0; from < rows.length; ) {
        const chunk = nextChunk(rows, from);
        await handle.execute(statements.get(chunk.length) ?? '', chunk.flatMap(valuesOf));
        from += chunk.length;
      }
      return rows.map(({ id }) => ({ id }));
    },

    publishSync(tx, topic, body, messageOptions) {
      const row = rowOf(topic, body, messageOptions, makeId, Date.now());
      syncHandleOf(tx, 'tx').executeSync(insertOne, valuesOf(row));
      return { id: row.id };
    },
  };
}

function nextChunk(rows: readonly Row[], from: number): readonly Row[] {
  let bytes = 0;
  let end = from;
  for (; end < rows.length && end - from < CHUNKS[0]; end++) {
    const { body, headers } = rows[end] as Row;
    bytes += body.length + (headers?.length ?? 0);
    if (bytes > CHUNK_BYTES) break;
  }
  const size = CHUNKS.find((rows) => rows <= end - from) ?? 1;
  return rows.slice(from, from + size);
}

function valuesOf(row: Row): Value[] {
  return [row.slot, row.id, row.topic, row.key, row.headers, row.body, row.dueMs, row.ttlMs];
}
