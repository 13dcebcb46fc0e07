import { type Duration, milliseconds } from '../duration.js';
import { FailedPreconditionError, InvalidArgumentError } from '../errors.js';
import type { Message } from '../message.js';
import { type Dialect, INSERT_MISSING, NOW_MS, tableName } from '../outbox/dialect.js';
import { type Handle, requireTransaction, type Value } from '../outbox/handles/handle.js';
import { handleOf, syncHandleOf, type Transaction } from '../outbox/handles/recognise.js';
import type { Sqlite } from '../outbox/handles/sqlite.js';
import { INBOX_TABLE } from '../outbox/tables.js';

export interface InboxOptions {
  /** What happens once: the name of the channel, or of the effect. 1 to 64 characters of visible ASCII. */
  consumer: string;
  /** The inbox table. Default: `waybill_inbox`. */
  table?: string;
}

/** Done now, with what the work gave; or done before, and so not again. */
export type Once<T> = { readonly done: 'now'; readonly value: T } | { readonly done: 'before' };

/** Remembers in the application's own database which messages were handled, in the transaction of their effect: effectively-once. */
export interface Inbox {
  /**
   * Runs `work` unless this message was handled before. The record and the work are one transaction: the caller's, on `tx`, which the caller
   * commits before it acks the message. Where `work` rejects, roll back, and the next delivery does it.
   *
   * @example
   * bus.subscribe('orders', 'billing', (message) =>
   *   knex.transaction((tx) => inbox.once(tx, message, () => tx('invoices').insert(invoiceOf(message)))));
   */
  once<T>(tx: Transaction, message: Handled, work: () => T | Promise<T>): Promise<Once<T>>;
  /** `once` for SQLite, whose transactions are functions that must not wait. */
  onceSync<T>(tx: Sqlite, message: Handled, work: () => T): Once<T>;
  /** Forgets messages that were handled longer ago than `age`: longer than any of them may be delivered again. Default: 30 days. Resolves with how many. */
  prune(database: Transaction, age?: Duration): Promise<number>;
}

/** What a message is known by. */
export type Handled = Pick<Message, 'topic' | 'id'>;

export function createInbox(options: InboxOptions): Inbox {
  const { consumer } = options;
  if (!/^[\x21-\x7e]{1,64}$/.test(consumer)) throw invalid('consumer', '1 to 64 characters of visible ASCII', consumer);
  const table = tableName(options.table ?? INBOX_TABLE, 'table');
  const insert = (dialect: Dialect) => {
    const [verb, suffix] = INSERT_MISSING[dialect];
    return `${verb} INTO ${table} (consumer, topic, id) VALUES (?, ?, ?)${suffix}`;
  };
  const values = ({ topic, id }: Handled): Value[] => {
    if (topic === '' || topic.length > 128) throw invalid('message.topic', '1 to 128 characters', topic);
    if (id === '' || id.length > 128) throw invalid('message.id', '1 to 128 characters', id);
    return [consumer, topic, id];
  };

  return {
    async once(tx, message, work) {
      const handle = handleOf(tx, 'tx');
      requireTransaction(handle);
      const inserted = await handle.execute(insert(handle.dialect), values(message));
      if (inserted === 0) return { done: 'before' };
      const value = await work();
      await requireRecord(handle, table, values(message));
      return { done: 'now', value };
    },

    onceSync(tx, message, work) {
      const inserted = syncHandleOf(tx, 'tx').executeSync(insert('sqlite'), values(message));
      return inserted === 0 ? { done: 'before' } : { done: 'now', value: work() };
    },

    async prune(database, age = '30d') {
      const handle = handleOf(database, 'database');
      const ageMs = milliseconds(age, 'age', 1_000);
      return handle.execute(`DELETE FROM ${table} WHERE done_ms < ${NOW_MS[handle.dialect]} - ${ageMs}`);
    },
  };
}

/**
 * After an error that the work swallowed, PostgreSQL answers COMMIT with a rollback and MySQL, which has rolled back a deadlock by itself, with OK:
 * both as if all were done. The record of a transaction that is over is not there, or cannot be asked for.
 */
async function requireRecord(handle: Handle, table: string, record: readonly Value[]): Promise<void> {
  const kept = await handle.query(`SELECT 1 AS kept FROM ${table} WHERE consumer = ? AND topic = ? AND id = ?`, record);
  if (kept.length > 0) return;
  throw new FailedPreconditionError('the transaction was rolled back while the message was handled', {
    code: 'FAILED_PRECONDITION',
    reason: 'TRANSACTION_OVER',
  });
}

function invalid(field: string, limit: string, value: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${JSON.stringify(value)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field,
    limit,
  });
}
