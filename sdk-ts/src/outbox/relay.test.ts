import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PublishOptions } from '../bus.js';
import { AccessError, InternalError, InvalidArgumentError, UnavailableError } from '../errors.js';
import { createOutbox } from './outbox.js';
import { createRelay, type Relay, type RelayOptions } from './relay.js';
import { outboxTables } from './tables.js';

let database: InstanceType<typeof DatabaseSync>;
let relays: Relay[];
const outbox = createOutbox();

const soon = <T>(check: () => T | Promise<T>) => vi.waitFor(check, 20_000);

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  for (const statement of outboxTables('sqlite')) database.exec(statement);
  relays = [];
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  database.close();
});

/** Stands for the bus; `judge` may throw for a message, or keep it waiting. */
function busThat(judge: (id: string) => unknown = () => undefined) {
  const sent: string[] = [];
  const publish = async (_topic: string, _body: unknown, { id = '' }: PublishOptions = {}) => {
    sent.push(id);
    await judge(id);
    return { id, outcome: 'accepted' as const };
  };
  return { sent, publish };
}

function relayOn(bus: RelayOptions['bus'], options: Partial<RelayOptions> = {}): Relay {
  const relay = createRelay({ bus, database, tick: '10ms', onError: () => {}, ...options });
  relays.push(relay);
  return relay;
}

const write = (id: string, key = '') => outbox.publishSync(database, 'orders', 'x', { id, key });
const rows = () => database.prepare('SELECT id, state, attempts FROM waybill_outbox ORDER BY seq').all();
const drained = () => soon(() => expect(rows()).toEqual([]));

test('the next row of a key is sent when the one before it is confirmed; other rows do not wait', async () => {
  const gates = new Map<string, () => void>();
  const bus = busThat((id) => new Promise<void>((resolve) => gates.set(id, resolve)));
  for (const id of ['a1', 'a2', 'b1']) write(id, id.slice(0, 1));
  write('free-1');
  write('free-2');
  await relayOn(bus, { lanes: 8 }).start();
  await soon(() => expect([...bus.sent].sort()).toEqual(['a1', 'b1', 'free-1', 'free-2']));
  gates.get('a1')?.();
  await soon(() => expect(bus.sent).toContain('a2'));
  for (const open of gates.values()) open();
  await drained();
});

test('a row that appears late with a lower number is published', async () => {
  const bus = busThat();
  database.exec(`INSERT INTO waybill_outbox (seq, slot, id, topic, body) VALUES (9, 3, 'nine', 'orders', 'x')`);
  await relayOn(bus).start();
  await drained();
  database.exec(`INSERT INTO waybill_outbox (seq, slot, id, topic, body) VALUES (7, 3, 'seven', 'orders', 'x')`);
  await drained();
  expect(bus.sent).toEqual(['nine', 'seven']);
});

test('a bus that is away is no fault of the rows, and the rest of a key waits for its first', async () => {
  let away = 2;
  const bus = busThat((id) => {
    if (id === 'a1' && away-- > 0) throw new UnavailableError('away', { code: 'UNAVAILABLE' });
  });
  for (const id of ['a1', 'a2', 'b1', 'b2']) write(id, id.slice(0, 1));
  await relayOn(bus, { maxAttempts: 1 }).start();
  await soon(() => expect(rows()).toMatchObject([{ id: 'a1', attempts: 0 }, { id: 'a2' }]));
  await drained();
  expect(bus.sent.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a1', 'a1', 'a2']);
});

test('a relay that may not publish sets nothing aside', async () => {
  const errors: Error[] = [];
  const denied = new AccessError('no', { code: 'PERMISSION_DENIED' });
  write('one');
  const onError = (error: Error) => void errors.push(error);
  const relay = relayOn(
    busThat(() => Promise.reject(denied)),
    { maxAttempts: 1, onError },
  );
  await relay.start();
  await soon(() => expect(errors).toContain(denied));
  await relay.stop();
  expect(rows()).toMatchObject([{ state: 'waiting', attempts: 0 }]);
});

test('a row that may be at fault itself is set aside with its last attempt, and its key goes on', async () => {
  const bus = busThat((id) => {
    if (id === 'a1') throw new InternalError('a fault', { code: 'INTERNAL' });
    if (id === 'a2') throw new InvalidArgumentError('too large', { code: 'RESOURCE_EXHAUSTED' });
  });
  for (const id of ['a1', 'a2', 'a3']) write(id, 'a');
  const failed: string[] = [];
  const relay = relayOn(bus, { maxAttempts: 2, onFailed: ({ id }, error) => failed.push(`${id}: ${error.message}`) });
  await relay.start();
  await soon(() => expect(failed).toEqual(['a1: a fault', 'a2: too large']));
  expect(bus.sent).toEqual(['a1', 'a1', 'a2', 'a3']);
  await soon(async () => expect(await relay.lag()).toMatchObject({ rows: 0, failed: 2 }));
  expect(await relay.failed({ limit: 1 })).toMatchObject([{ id: 'a1', attempts: 2, error: 'a fault' }]);
});

test('slots that somebody holds are left alone until the lease is over', async () => {
  const bus = busThat();
  write('one');
  database.exec(`UPDATE waybill_outbox_slots SET owner = 'dead', until_ms = ${Date.now() + 400}`);
  const begun = Date.now();
  await relayOn(bus).start();
  await drained();
  expect(Date.now() - begun).toBeGreaterThan(350);
});

test('a wake-up is as good as a tick', async () => {
  const bus = busThat();
  const relay = relayOn(bus, { tick: '1h' });
  await relay.start();
  write('one');
  relay.wake();
  await drained();
  write('two');
  relay.wake();
  await drained();
  expect(relay.published).toBe(2);
});

test('two relays share the work, and nothing is sent twice', async () => {
  const ids = Array.from({ length: 500 }, (_, i) => `m${i}`);
  for (const [i, id] of ids.entries()) write(id, `key-${i % 50}`);
  const buses = [busThat(() => new Promise(setImmediate)), busThat(() => new Promise(setImmediate))];
  for (const bus of buses) await relayOn(bus, { batch: 20, lanes: 1 }).start();
  await drained();
  const sent = buses.flatMap((bus) => bus.sent);
  expect(sent.sort()).toEqual(ids.sort());
  for (const bus of buses) expect(bus.sent.length).toBeGreaterThan(0);
});

test('a stop lets what was sent end, begins nothing else, and gives the slots back', async () => {
  let confirm = () => {};
  const bus = busThat(
    () =>
      new Promise<void>((resolve) => {
        confirm = resolve;
      }),
  );
  for (const id of ['a1', 'a2']) write(id, 'a');
  const relay = relayOn(bus);
  await relay.start();
  await soon(() => expect(bus.sent).toEqual(['a1']));
  const stopped = relay.stop();
  confirm();
  await stopped;
  await relay.stop();
  expect(rows()).toMatchObject([{ id: 'a2' }]);
  expect(database.prepare(`SELECT COUNT(*) AS held FROM waybill_outbox_slots WHERE owner <> ''`).all()).toEqual([
    { held: 0 },
  ]);
});

test('nothing is published out of a transaction that is open on the same connection', async () => {
  const errors: Error[] = [];
  const bus = busThat();
  await relayOn(bus, { onError: (error) => errors.push(error) }).start();
  database.exec('BEGIN');
  write('ghost');
  await soon(() => expect(errors[0]?.message).toContain('give the relay a connection of its own'));
  database.exec('ROLLBACK');
  write('one');
  await drained();
  expect(bus.sent).toEqual(['one']);
});

test('a relay may be stopped before it was started', async () => {
  await relayOn(busThat()).stop();
});

test('a table whose slots are missing is not started on; one that is away is waited for', async () => {
  database.exec('DELETE FROM waybill_outbox_slots');
  await expect(relayOn(busThat()).start()).rejects.toThrow('lacks rows: run the statements of outboxTables()');

  database.exec('DROP TABLE waybill_outbox_slots');
  const errors: Error[] = [];
  const bus = busThat();
  await relayOn(bus, { onError: (error) => errors.push(error) }).start();
  await soon(() => expect(errors.length).toBeGreaterThan(1));
  for (const statement of outboxTables('sqlite')) database.exec(statement);
  write('one');
  await drained();
});

test.each([
  ['tick', { tick: 5 }],
  ['lease', { lease: '1ms' }],
  ['batch', { batch: 0 }],
  ['lanes', { lanes: 9 }],
  ['maxAttempts', { maxAttempts: 0 }],
  ['table', { table: 'a b' }],
] as const)('an option out of range is refused: %s', (option, options) => {
  expect(() => relayOn(busThat(), options)).toThrow(new RegExp(`^${option} is `));
});

test('what is no database is refused', () => {
  expect(() => createRelay({ bus: busThat(), database: { query: () => Promise.resolve([]) } })).toThrow(
    'database is nothing that is known here: it takes a handle of mysql2',
  );
});
