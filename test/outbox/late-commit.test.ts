import { setTimeout as delay } from 'node:timers/promises';
import type { PublishOptions } from '@waybill/sdk';
import {
  createOutbox,
  createRelay,
  createTableConsumer,
  type Dialect,
  outboxTables,
  type Transaction,
} from '@waybill/sdk/outbox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { type Library, MYSQL, POSTGRES } from './libraries.js';
import { mysqlPlace, type Place, postgresPlace } from './places.js';

const WRITERS = 10;
const TRANSACTIONS = 30;

const DATABASES: readonly [Dialect, () => Promise<Place>, ((url: string) => Library | Promise<Library>) | undefined][] =
  [
    ['mysql', mysqlPlace, MYSQL['mysql2/promise']],
    ['postgres', postgresPlace, POSTGRES.pg],
  ];

/** A writer's messages have its key, and ids that count: `writer-n`. */
function inOrder(ids: readonly string[]): boolean {
  const last = new Map<string, number>();
  return ids.every((id) => {
    const [writer = '', n] = id.split('-');
    const rises = Number(n) > (last.get(writer) ?? -1);
    last.set(writer, Number(n));
    return rises;
  });
}

describe.each(DATABASES)('%s, and transactions that commit late', (dialect, makePlace, open) => {
  const outbox = createOutbox();
  let place: Place;
  let library: Library;

  beforeAll(async () => {
    place = await makePlace();
    for (const statement of outboxTables(dialect, { clients: true })) await place.run(statement);
    if (open === undefined) throw new Error('the library is missing');
    library = await open(place.url);
  });

  afterAll(async () => {
    await library?.close();
    await place?.remove();
  });

  beforeEach(async () => {
    await place.run('DELETE FROM waybill_outbox');
    await place.run("DELETE FROM waybill_outbox_clients WHERE client <> ''");
    await place.run("UPDATE waybill_outbox_slots SET owner = '', until_ms = 0");
  });

  const write = (tx: Transaction, id: string) => outbox.publish(tx, 'orders', 'x', { id, key: id.split('-')[0] ?? '' });

  /** Resolves with the ids that were committed. */
  async function writeAll(): Promise<string[]> {
    const writer = async (name: number) => {
      const ids: string[] = [];
      for (let n = 0; n < TRANSACTIONS; n++) {
        await library.transaction(async (tx) => {
          await write(tx, `${name}-${n}`);
          await delay(Math.random() * 20);
        });
        ids.push(`${name}-${n}`);
      }
      return ids;
    };
    return (await Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)))).flat();
  }

  /** Holds one transaction open, commits a later one, waits until `seen` has it, and then commits the first. */
  async function lowLate(seen: readonly string[]): Promise<void> {
    await library.transaction(async (low) => {
      await write(low, 'low-0');
      await library.transaction(async (high) => {
        await write(high, 'high-0');
      });
      await until(async () => expect(seen).toEqual(['high-0']), 30_000);
    });
    await until(async () => expect(seen).toEqual(['high-0', 'low-0']), 30_000);
  }

  function relays(many: number) {
    const sent: string[] = [];
    const bus = {
      async publish(_topic: string, _body: unknown, { id = '' }: PublishOptions = {}) {
        await delay(Math.random() * 3);
        sent.push(id);
        return { id, outcome: 'accepted' as const };
      },
    };
    const started = Array.from({ length: many }, () =>
      createRelay({ bus, database: library.database, tick: '10ms', batch: 20 }),
    );
    return { sent, started };
  }

  test('a relay publishes a row that appears below one that it has published', async () => {
    const { sent, started } = relays(1);
    for (const relay of started) await relay.start();
    await lowLate(sent);
    for (const relay of started) await relay.stop();
  });

  test('two relays lose nothing and keep the order of each key', async () => {
    const { sent, started } = relays(2);
    for (const relay of started) await relay.start();
    const written = await writeAll();
    await until(async () => expect(sent.length).toBe(written.length), 30_000);
    for (const relay of started) await relay.stop();
    expect([...sent].sort()).toEqual(written.sort());
    expect(inOrder(sent)).toBe(true);
  });

  test('a table consumer gets a row that appears below one that it has had', async () => {
    const seen: string[] = [];
    const options = { database: library.database, client: 'c', tick: '10ms' } as const;
    const consumer = createTableConsumer(options, ({ id }) => void seen.push(id));
    consumer.start();
    await lowLate(seen);
    await consumer.stop();
  });

  test('two table consumers lose nothing and keep the order of each key', async () => {
    const seen: string[][] = [[], []];
    const consumers = seen.map((ids, client) =>
      createTableConsumer(
        { database: library.database, client: `client-${client}`, tick: '10ms' },
        ({ id }) => void ids.push(id),
      ),
    );
    for (const consumer of consumers) consumer.start();
    const written = (await writeAll()).sort();
    for (const ids of seen) {
      await until(async () => expect(ids.length).toBe(written.length), 30_000);
      expect([...ids].sort()).toEqual(written);
      expect(inOrder(ids)).toBe(true);
    }
    for (const consumer of consumers) await consumer.stop();
  });
});
