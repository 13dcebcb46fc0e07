import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createOutbox } from './outbox.js';
import {
  createTableConsumer,
  type TableConsumer,
  type TableConsumerOptions,
  type TableHandler,
} from './table-consumer.js';
import { outboxTables } from './tables.js';

let database: InstanceType<typeof DatabaseSync>;
let consumers: TableConsumer[];
const outbox = createOutbox();

const soon = <T>(check: () => T | Promise<T>) => vi.waitFor(check, 20_000);

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  for (const statement of outboxTables('sqlite', { clients: true })) database.exec(statement);
  consumers = [];
});

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  database.close();
});

function consume(handler: TableHandler, options: Partial<TableConsumerOptions> = {}): TableConsumer {
  const consumer = createTableConsumer({ database, client: 'c', tick: '10ms', ...options }, handler);
  consumers.push(consumer);
  consumer.start();
  return consumer;
}

const write = (id: string) => outbox.publishSync(database, 'orders', { id }, { id, key: 'k', headers: { h: 'v' } });
const insert = (seq: number) =>
  database.exec(`INSERT INTO waybill_outbox (seq, slot, id, topic, body) VALUES (${seq}, 0, '${seq}', 'orders', 'x')`);
const place = () => database.prepare(`SELECT generation, seq FROM waybill_outbox_clients WHERE client = 'c'`).all()[0];

test('a handler gets what was written', async () => {
  write('m1');
  const got: unknown[] = [];
  consume((message) => {
    got.push({ ...message, body: message.text(), json: message.json() });
  });
  await soon(() => expect(got).toHaveLength(1));
  expect(got[0]).toMatchObject({
    id: 'm1',
    topic: 'orders',
    key: 'k',
    headers: { h: 'v', 'content-type': 'application/json' },
    body: '{"id":"m1"}',
    json: { id: 'm1' },
    dueAt: undefined,
  });
});

test('a row that appears late with a lower number comes all the same', async () => {
  const got: string[] = [];
  consume(({ id }) => void got.push(id));
  insert(9);
  await soon(() => expect(got).toEqual(['9']));
  insert(7);
  await soon(() => expect(got).toEqual(['9', '7']));
});

test('the place is stored after so many messages, and not before', async () => {
  for (let seq = 1; seq <= 5; seq++) insert(seq);
  const places: unknown[] = [];
  consume(() => void places.push(place()), { commitMessages: 2, commitAfter: '1h' });
  await soon(() => expect(places).toHaveLength(5));
  expect(places).toMatchObject([{ seq: 0 }, { seq: 0 }, { seq: 2 }, { seq: 2 }, { seq: 4 }]);
});

test('the place is stored after a time', async () => {
  for (let seq = 1; seq <= 3; seq++) insert(seq);
  const places: unknown[] = [];
  consume(() => void places.push(place()), { commitMessages: 100, commitAfter: 0 });
  await soon(() => expect(places).toHaveLength(3));
  expect(places).toMatchObject([{ seq: 0 }, { seq: 1 }, { seq: 2 }]);
});

test('a handler is told when the client is lost, and its message comes again to whoever has it', async () => {
  insert(1);
  const seen: boolean[] = [];
  consume(
    async (_message, signal) => {
      seen.push(signal.aborted);
      if (seen.length > 1) return;
      database.exec(
        `UPDATE waybill_outbox_clients SET owner = 'other', until_ms = ${Date.now() + 1_500} WHERE client = 'c'`,
      );
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      seen.push(signal.aborted);
    },
    { lease: '1s', onError: () => {} },
  );
  await soon(() => expect(seen).toEqual([false, true, false]));
});

test('a stop stores the place, and leaves the message whose retries it ended', async () => {
  for (const id of ['m1', 'm2']) write(id);
  const errors: Error[] = [];
  const consumer = consume(
    ({ id }) => {
      if (id === 'm2') throw new Error('not now');
    },
    { onError: (error) => errors.push(error) },
  );
  await soon(() => expect(errors).not.toEqual([]));
  await consumer.stop();
  expect(place()).toMatchObject({ seq: 1 });
  const again: string[] = [];
  consume(({ id }) => void again.push(id));
  await soon(() => expect(again).toEqual(['m2']));
});

test('a wake-up is as good as a tick', async () => {
  const got: string[] = [];
  const consumer = consume(({ id }) => void got.push(id), { tick: '1h' });
  await soon(() => expect(place()).toBeDefined());
  await new Promise(setImmediate);
  write('m1');
  consumer.wake();
  await soon(() => expect(got).toEqual(['m1']));
});

test.each([
  ['client', { client: 'a b' }],
  ['batch', { batch: 0 }],
  ['retries', { retries: -1 }],
  ['commitMessages', { commitMessages: 0 }],
  ['commitAfter', { commitAfter: -1 }],
  ['tick', { tick: 1 }],
  ['lease', { lease: 1 }],
] as const)('an option out of range is refused: %s', (option, options) => {
  expect(() => consume(() => {}, options)).toThrow(new RegExp(`^${option} is `));
});
