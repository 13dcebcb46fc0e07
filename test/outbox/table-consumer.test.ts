import { createOutbox, createRelay, createTableConsumer, type TableConsumerOptions } from '@waybill/sdk/outbox';
import type { Pool } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { atTestEnd } from '../support/cleanup.js';
import { until } from '../support/until.js';
import { cell, outboxDatabase } from './lab.js';
import { OrderChecker, type Seen } from './order-checker.js';
import { writeLate } from './writers.js';

function consume(options: TableConsumerOptions, handler: (message: Seen) => void | Promise<void>) {
  const consumer = createTableConsumer({ tick: '20ms', ...options }, handler);
  consumer.start();
  atTestEnd(() => consumer.stop());
  return consumer;
}

async function write(pool: Pool, from: number, to: number): Promise<void> {
  const connection = await pool.getConnection();
  await connection.beginTransaction();
  const items = Array.from({ length: to - from }, (_, i) => ({ id: `m${from + i}`, key: 'k', body: { n: from + i } }));
  await createOutbox().publishMany(connection, 'orders', items);
  await connection.commit();
  connection.release();
}

test('two clients get every row once and each key in order, while ten writers commit out of order; then the rows are deleted', async () => {
  const { pool, databaseUrl } = await outboxDatabase();
  const checkers = [new OrderChecker(), new OrderChecker()];
  const clients = checkers.map((checker, i) =>
    consume({ database: pool, client: `client-${i}` }, (message) => checker.see(message)),
  );
  const written = await writeLate({ databaseUrl, topic: 't', writers: 10, transactions: 40, keys: 20, lateMs: 30 });
  expect(written.late).toBeGreaterThan(0);
  for (const checker of checkers) {
    await until(async () => expect(checker.seen.size).toBe(written.ids.size), 30_000);
    expect([...written.ids].filter((id) => !checker.seen.has(id))).toEqual([]);
    expect(checker).toMatchObject({ duplicated: 0, outOfOrder: 0 });
  }
  await until(async () => expect(await cell(pool, 'SELECT COUNT(*) FROM waybill_outbox')).toBe(0), 30_000);
  await Promise.all(clients.map((client) => client.stop()));
});

test('a client that starts again goes on after what it had handled', async () => {
  const { pool } = await outboxDatabase();
  const seen: string[] = [];
  await write(pool, 0, 50);
  const first = consume({ database: pool, client: 'c' }, ({ id }) => void seen.push(id));
  await until(async () => expect(seen.length).toBe(50), 30_000);
  await first.stop();
  await write(pool, 50, 60);
  consume({ database: pool, client: 'c' }, ({ id }) => void seen.push(id));
  await until(async () => expect(seen.length).toBe(60), 30_000);
  expect(new Set(seen).size).toBe(60);
});

test('of two processes with the same client one stands by, and takes over when the other has died', async () => {
  const { pool } = await outboxDatabase();
  await write(pool, 0, 1);
  // What a process leaves behind that was killed.
  await pool.query(
    `INSERT INTO waybill_outbox_clients (client, owner, until_ms) VALUES ('c', 'dead', UNIX_TIMESTAMP() * 1000 + 1500)`,
  );
  const begun = performance.now();
  const seen: string[] = [];
  consume({ database: pool, client: 'c' }, ({ id }) => void seen.push(id));
  await until(async () => expect(seen).toEqual(['m0']), 30_000);
  expect(performance.now() - begun).toBeGreaterThan(400);
});

test('a message that fails is tried again in its place, and given up after its retries', async () => {
  const { pool } = await outboxDatabase();
  await write(pool, 0, 4);
  const calls: string[] = [];
  const [errors, givenUp]: [string[], string[]] = [[], []];
  consume(
    {
      database: pool,
      client: 'c',
      retries: 2,
      onError: (error, message) => errors.push(`${message?.id}: ${error.message}`),
      onGiveUp: (message) => void givenUp.push(message.id),
    },
    ({ id }) => {
      calls.push(id);
      if (id === 'm1' || (id === 'm2' && calls.filter((call) => call === 'm2').length === 1)) throw new Error('no');
    },
  );
  await until(async () => expect(calls.at(-1)).toBe('m3'), 30_000);
  expect(calls).toEqual(['m0', 'm1', 'm1', 'm1', 'm2', 'm2', 'm3']);
  expect(errors).toEqual(['m1: no', 'm1: no', 'm1: no', 'm2: no']);
  expect(givenUp).toEqual(['m1']);
});

test('a new client may begin with the next row', async () => {
  const { pool } = await outboxDatabase();
  await write(pool, 0, 10);
  const seen: string[] = [];
  consume({ database: pool, client: 'old' }, () => {});
  consume({ database: pool, client: 'new', from: 'newest' }, ({ id }) => void seen.push(id));
  const registered = `SELECT COUNT(*) FROM waybill_outbox_clients WHERE client = 'new'`;
  await until(async () => expect(await cell(pool, registered)).toBe(1), 30_000);
  await write(pool, 10, 12);
  await until(async () => expect(seen).toEqual(['m10', 'm11']), 30_000);
});

test('a relay does not start on a table that clients read', async () => {
  const { pool } = await outboxDatabase();
  consume({ database: pool, client: 'c' }, () => {});
  const taken = `SELECT COUNT(*) FROM waybill_outbox_slots WHERE owner = 'clients'`;
  await until(async () => expect(await cell(pool, taken)).toBe(16), 30_000);
  const bus = { publish: () => Promise.reject(new Error('nothing may be published')) };
  const relay = createRelay({ bus, database: pool });
  await expect(relay.start()).rejects.toThrow('is read by table consumers');
  await relay.stop();
});
