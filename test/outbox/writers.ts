import { setTimeout as delay } from 'node:timers/promises';
import { createOutbox } from '@waybill/sdk/outbox';
import { createPool, type PoolConnection } from 'mysql2/promise';
import { cell } from './lab.js';

export interface WriterOptions {
  readonly databaseUrl: string;
  readonly topic: string;
  readonly writers: number;
  readonly transactions: number;
  readonly keys: number;
  /** The longest that a transaction stays open after it wrote. */
  readonly lateMs: number;
}

/** What was committed. */
export interface WrittenSet {
  readonly ids: ReadonlySet<string>;
  readonly rolledBack: ReadonlySet<string>;
  /** Commits of a row when one with a higher number had been committed already. */
  readonly late: number;
}

/**
 * Writers that each count up a record of their key under its lock, write a message with the new count, and another without a key, and commit
 * after a random pause: so rows commit out of the order of their numbers, but for those of one key. Every tenth rolls back.
 */
export async function writeLate(options: WriterOptions): Promise<WrittenSet> {
  const { databaseUrl, topic, writers, transactions, keys, lateMs } = options;
  const pool = createPool({ uri: databaseUrl, connectionLimit: writers });
  const outbox = createOutbox();
  const ids = new Set<string>();
  const rolledBack = new Set<string>();
  let [highest, late] = [0, 0];

  const transaction = async (connection: PoolConnection, key: string, keep: boolean) => {
    await connection.beginTransaction();
    await connection.execute('UPDATE counters SET n = n + 1 WHERE name = ?', [key]);
    const n = await cell(connection, `SELECT n FROM counters WHERE name = '${key}'`);
    const first = await outbox.publish(connection, topic, { key, n }, { key });
    const second = await outbox.publish(connection, topic, { key: '', n });
    const seq = await cell(connection, 'SELECT LAST_INSERT_ID()');
    await delay(Math.random() * lateMs);
    if (keep) await connection.commit();
    else await connection.rollback();
    for (const { id } of [first, second]) (keep ? ids : rolledBack).add(id);
    if (keep && seq < highest) late++;
    if (keep) highest = Math.max(highest, seq);
  };

  const writer = async () => {
    const connection = await pool.getConnection();
    for (let i = 0; i < transactions; i++) {
      await transaction(connection, `key-${Math.floor(Math.random() * keys)}`, i % 10 !== 9);
    }
    connection.release();
  };

  try {
    await pool.query('CREATE TABLE IF NOT EXISTS counters (name VARCHAR(32) PRIMARY KEY, n INT NOT NULL)');
    const names = Array.from({ length: keys }, (_, key) => [`key-${key}`, 0]);
    await pool.query('INSERT IGNORE INTO counters (name, n) VALUES ?', [names]);
    await Promise.all(Array.from({ length: writers }, writer));
  } finally {
    await pool.end();
  }
  return { ids, rolledBack, late };
}
