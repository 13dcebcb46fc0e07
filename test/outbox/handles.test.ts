import { DatabaseSync, enhance } from '@photostructure/sqlite';
import type { PublishOptions } from '@waybill/sdk';
import { InvalidArgumentError } from '@waybill/sdk';
import {
  createInbox,
  createOutbox,
  createRelay,
  type Dialect,
  inboxTables,
  outboxTables,
  type Transaction,
} from '@waybill/sdk/outbox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { type Library, MYSQL, type OpenLibrary, POSTGRES, SQLITE } from './libraries.js';
import { mysqlPlace, type Place, postgresPlace, sqlitePlace } from './places.js';

const PLACES: readonly [Dialect, Readonly<Record<string, OpenLibrary>>, () => Promise<Place>][] = [
  ['mysql', MYSQL, mysqlPlace],
  ['postgres', POSTGRES, postgresPlace],
  ['sqlite', SQLITE, sqlitePlace],
];

class Rollback extends Error {}

/** All that a body, a key and headers may hold. */
const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const KEY = 'schlüssel \'"\\ 🔑';
const HEADERS = { 'x-quote': '\'"\\', 'x-text': 'zwölf 🎯' };

interface Sent extends PublishOptions {
  readonly topic: string;
  readonly body: Buffer;
}

/** Stands for a bus: keeps what is published, and refuses the topic `poison`. */
function recordingBus() {
  const sent: Sent[] = [];
  return {
    sent,
    async publish(topic: string, body: unknown, options: PublishOptions = {}) {
      if (topic === 'poison') throw new InvalidArgumentError('it is poison', { code: 'INVALID_ARGUMENT' });
      sent.push({ topic, body: Buffer.from(body instanceof Uint8Array ? body : ''), ...options });
      return { id: options.id ?? '', outcome: 'accepted' as const };
    },
  };
}

for (const [dialect, libraries, makePlace] of PLACES) {
  describe(dialect, () => {
    let place: Place;

    beforeAll(async () => {
      place = await makePlace();
      for (const statement of [...outboxTables(dialect, { clients: true }), ...inboxTables(dialect)]) {
        await place.run(statement);
      }
      return () => place.remove();
    });

    beforeEach(async () => {
      await place.run('DELETE FROM waybill_outbox');
      await place.run('DELETE FROM waybill_inbox');
    });

    for (const [name, open] of Object.entries(libraries)) {
      describe(name, () => {
        const outbox = createOutbox();
        const inbox = createInbox({ consumer: 'billing' });
        let library: Library;

        beforeAll(async () => {
          library = await open(place.url);
        });
        afterAll(() => library?.close());

        /** What a relay finds and publishes. */
        async function relayed(rows: number): Promise<Sent[]> {
          const bus = recordingBus();
          const relay = createRelay({ bus, database: library.database, tick: '10ms' });
          await relay.start();
          await until(async () => expect(bus.sent.length).toBe(rows), 30_000);
          await until(async () => expect(await relay.lag()).toMatchObject({ rows: 0 }), 30_000);
          await relay.stop();
          return bus.sent;
        }

        test('a committed message is published as it was written, byte by byte', async () => {
          await library.transaction(async (tx) => {
            await outbox.publish(tx, 'orders', BYTES, { id: 'one', key: KEY, headers: HEADERS, ttl: '1h' });
            await outbox.publish(tx, 'orders', { total: 12 }, { id: 'two', delay: '1m' });
            const many = Array.from({ length: 71 }, (_, i) => ({ id: `many-${i}`, key: KEY, body: `${i}` }));
            await outbox.publishMany(tx, 'orders', many);
          });
          const sent = await relayed(73);
          const [one, two] = ['one', 'two'].map((id) => sent.find((message) => message.id === id));
          expect(one).toMatchObject({ topic: 'orders', key: KEY, headers: HEADERS, ttl: 3_600_000 });
          expect(one?.body.equals(BYTES)).toBe(true);
          expect(two?.body.toString()).toBe('{"total":12}');
          expect(two).toMatchObject({ key: '', headers: { 'content-type': 'application/json' } });
          expect(Number(two?.at) - Date.now()).toBeGreaterThan(40_000);
          const many = sent.filter(({ id }) => id?.startsWith('many-')).map(({ body }) => Number(body));
          expect(many).toEqual(Array.from({ length: 71 }, (_, i) => i));
        });

        test('a rollback leaves nothing', async () => {
          const rolledBack = library.transaction(async (tx) => {
            await outbox.publish(tx, 'orders', 'x');
            throw new Rollback();
          });
          await expect(rolledBack).rejects.toThrow(Rollback);
          const relay = createRelay({ bus: recordingBus(), database: library.database });
          expect(await relay.lag()).toEqual({ rows: 0, oldestMs: 0, failed: 0 });
        });

        test('a row that the bus refuses is set aside, listed and tried again, and holds up nothing', async () => {
          await library.transaction(async (tx) => {
            await outbox.publish(tx, 'poison', 'x', { id: 'bad', key: 'k' });
            await outbox.publish(tx, 'orders', 'y', { id: 'good', key: 'k' });
          });
          const failed: string[] = [];
          const bus = recordingBus();
          const relay = createRelay({
            bus,
            database: library.database,
            onError: () => {},
            onFailed: ({ id }) => failed.push(id),
          });
          await relay.start();
          await until(async () => expect(bus.sent.map(({ id }) => id)).toEqual(['good']), 30_000);
          await until(async () => expect(await relay.lag()).toMatchObject({ rows: 0, failed: 1 }), 30_000);
          expect(await relay.failed()).toMatchObject([{ id: 'bad', key: 'k', attempts: 1, error: 'it is poison' }]);
          expect(await relay.retry()).toBe(1);
          await until(async () => expect(failed).toEqual(['bad', 'bad']), 30_000);
          await relay.stop();
        });

        test('what is handled in the inbox is handled once, and again after a rollback', async () => {
          const message = { topic: 'orders', id: 'm1' };
          const done: string[] = [];
          const handle = async (tx: Transaction, roll = false) => {
            const { done: when } = await inbox.once(tx, message, async () => 'value');
            done.push(when);
            if (roll) throw new Rollback();
          };
          await library.transaction((tx) => handle(tx, true)).catch(() => undefined);
          await library.transaction((tx) => handle(tx));
          await library.transaction((tx) => handle(tx));
          expect(done).toEqual(['now', 'now', 'before']);
          expect(await inbox.prune(library.database)).toBe(0);
        });

        if (dialect !== 'sqlite') {
          test('what is in no transaction is refused', async () => {
            await expect(outbox.publish(library.database, 'orders', 'x')).rejects.toThrow('which is in no transaction');
          });
        }
      });
    }
  });
}

test('in a transaction of better-sqlite3, which must not wait, publishSync and onceSync do the same', async () => {
  const database = enhance(new DatabaseSync(':memory:'));
  for (const statement of [...outboxTables('sqlite'), ...inboxTables('sqlite')]) database.exec(statement);
  const outbox = createOutbox();
  const inbox = createInbox({ consumer: 'billing' });
  const handle = database.transaction(() =>
    inbox.onceSync(database, { topic: 'orders', id: 'm' }, () => outbox.publishSync(database, 'orders.paid', 'x').id),
  );
  const failing = database.transaction(() => {
    handle();
    throw new Rollback();
  });
  expect(() => failing()).toThrow(Rollback);
  expect(handle()).toMatchObject({ done: 'now' });
  expect(handle()).toEqual({ done: 'before' });
  expect(database.prepare('SELECT COUNT(*) AS rows FROM waybill_outbox').all()).toEqual([{ rows: 1 }]);
  database.close();
});
