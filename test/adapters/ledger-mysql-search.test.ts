import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { MysqlCronBook, MysqlCronTicks } from '../../server/src/adapters/ledger-mysql/cron.js';
import { MysqlInspector } from '../../server/src/adapters/ledger-mysql/inspector.js';
import { Session } from '../../server/src/adapters/ledger-mysql/session.js';
import { allShards } from '../../server/src/fixture/shards.js';
import type { Channel } from '../../server/src/model/channel.js';
import { keyTerm, type SearchTerm } from '../../server/src/model/search-term.js';
import type { Change } from '../../server/src/ports/ledger.js';
import { sharedServices } from '../support/services.js';
import { ACKED, claimOf, entryOf, type Gateway, MysqlLab, messageOf, TOPIC } from './mysql-lab.js';

const NOW = 1_000_000;
const EVERY = { topic: undefined, channels: undefined, states: [], after: 0, before: 0 };
const START = { limit: 100, from: undefined };
const KEY = [keyTerm('k')];

let lab: MysqlLab;
let gateway: Gateway;
let channel: Channel;

beforeEach(async () => {
  lab = new MysqlLab(sharedServices().mysql);
  gateway = await lab.gateway();
  channel = await gateway.ledger.channel(TOPIC, 'c');
});

const entry = (id: string, change: Change, terms: readonly SearchTerm[] | undefined, at = NOW) => ({
  ...entryOf(claimOf(channel.id, id), change, { at }),
  terms,
});
const byKey = async (value = 'k') =>
  (await new MysqlInspector(gateway.connection).recordsBy(keyTerm(value), EVERY, START)).rows;
const terms = () => lab.rows<{ readonly message_id: string; readonly value: Buffer }>('terms');

describe('what a message is found by', () => {
  test('costs a message that has none nothing: its ack is one statement, without a transaction', async () => {
    await gateway.ledger.write([entry('first', ACKED, undefined)]);
    const later = vi.spyOn(Session.prototype, 'later');
    onTestFinished(() => later.mockRestore());
    await gateway.ledger.write([entry('a', ACKED, undefined), entry('b', ACKED, undefined)]);
    const statements = later.mock.calls.map(([sql]) => sql);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toMatch(/^INSERT INTO deliveries/);
    later.mockClear();
    await gateway.ledger.write([entry('c', ACKED, undefined), entry('d', ACKED, KEY)]);
    expect(later.mock.calls.map(([sql]) => sql.split(/\s+/).slice(0, 3).join(' '))).toEqual([
      'START TRANSACTION',
      'INSERT INTO deliveries',
      'INSERT INTO terms',
      'COMMIT',
    ]);
    expect((await terms()).map(({ message_id }) => message_id)).toEqual(['d']);
  });

  test('is kept once a record, and goes with it', async () => {
    const dead = { state: 'dead', reason: 'no', wire: messageOf('dead').wire } as const;
    await gateway.ledger.write([entry('acked', ACKED, KEY), entry('dead', dead, KEY)]);
    await gateway.ledger.write([entry('acked', ACKED, KEY)]);
    expect((await byKey()).map(({ id, state, key }) => [id, state, key]).toSorted()).toEqual([
      ['acked', 'acked', 'k'],
      ['dead', 'dead', 'k'],
    ]);
    expect(await gateway.schedule.prune(NOW + 1, 100)).toBe(1);
    expect((await terms()).map(({ message_id }) => message_id)).toEqual(['dead']);
    expect((await byKey()).map(({ id }) => id)).toEqual(['dead']);
  });

  test('of what waits for its topic goes to the broker with it, and not under a claim that was lost', async () => {
    const waiting = (id: string) => ({ message: messageOf(id), dueAt: NOW, terms: KEY });
    await gateway.schedule.add([waiting('a'), waiting('b')]);
    const first = await gateway.schedule.claim(NOW, 10, 1_000, allShards(1));
    const second = await gateway.schedule.claim(NOW + 1_000, 1, 1_000, allShards(1));
    expect([first.length, second.length]).toEqual([2, 1]);
    const settle = first.map((due) => ({ due, how: 'published' as const, indexed: true }));
    await gateway.schedule.settle(settle, NOW);
    const lost = second[0]?.message.id;
    expect((await byKey()).map(({ id, state }) => [id, state])).toEqual([[lost, 'delayed']]);
    expect((await terms()).map(({ message_id }) => message_id)).toEqual([lost]);
  });

  test('of an id that waits anew is what it waits with', async () => {
    await gateway.schedule.add([{ message: messageOf('a'), dueAt: NOW, terms: [keyTerm('old')] }]);
    await gateway.schedule.cancel(TOPIC, 'a', NOW);
    const again = { ...messageOf('a'), acceptedAt: NOW + 10 };
    await gateway.schedule.add([{ message: again, dueAt: NOW * 2, terms: [keyTerm('new')] }]);
    expect(await byKey('old')).toEqual([]);
    expect(await byKey('new')).toMatchObject([{ id: 'a', state: 'delayed' }]);
    await gateway.schedule.prune(NOW + 1, 100);
    expect(await byKey('new')).toMatchObject([{ id: 'a', state: 'delayed' }]);
  });

  test('is compared byte by byte, with the spaces at its end', async () => {
    const keys = ['K', 'k', 'k ', 'ü', 'u', "it's", 'a\\b', '%', '🙂'.repeat(128), '🙂'.repeat(127)];
    await gateway.ledger.write(keys.map((key, i) => entry(`m${i}`, ACKED, [keyTerm(key)])));
    for (const [i, key] of keys.entries()) {
      expect((await byKey(key)).map(({ id, key: kept }) => [id, kept])).toEqual([[`m${i}`, key]]);
    }
  });

  test('is found page by page where a key has more records than are looked at for one', async () => {
    const ids = Array.from({ length: 600 }, (_, i) => `m${String(i).padStart(4, '0')}`);
    await gateway.ledger.write(ids.map((id, i) => entry(id, ACKED, KEY, NOW + i)));
    const inspector = new MysqlInspector(gateway.connection);
    const filter = { ...EVERY, topic: TOPIC, after: NOW + 300 };
    const seen: string[] = [];
    let from: (typeof START)['from'] | Awaited<ReturnType<typeof inspector.recordsBy>>['next'];
    do {
      const page = await inspector.recordsBy(keyTerm('k'), filter, { limit: 70, from });
      seen.push(...page.rows.map(({ id }) => id));
      from = page.next;
    } while (from !== undefined);
    expect(seen.toSorted()).toEqual(ids.slice(300));
    expect(new Set(seen).size).toBe(300);
  });
});

test('a step of the schema that was cut off half way is taken up again', async () => {
  await gateway.ledger.write([entry('a', ACKED, KEY)]);
  await lab.query(`DELETE FROM ${lab.database}.waybill_migrations WHERE version >= 5`);
  await lab.query(`ALTER TABLE ${lab.database}.attempts DROP COLUMN node_id`);
  const other = await lab.gateway();
  await other.ledger.write([entry('b', ACKED, KEY)]);
  expect((await byKey()).map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
  const [{ versions } = { versions: 0 }] = await lab.query<{ versions: number }>(
    `SELECT COUNT(*) AS versions FROM ${lab.database}.waybill_migrations`,
  );
  expect(Number(versions)).toBe(6);
});

test('a tick that many gateways make at one moment is one message', async () => {
  const book = new MysqlCronBook(gateway.connection);
  const draft = { topic: TOPIC, expression: '* * * * *', zone: '', missed: 'once', nextAt: NOW } as const;
  const made = await book.add('e', { ...draft, wire: messageOf('x').wire }, { paused: false, now: NOW - 1 });
  if (made === undefined) throw new Error('the name was free');
  const others = await Promise.all(Array.from({ length: 6 }, () => lab.gateway()));
  const all = [gateway, ...others].map(({ connection }) => new MysqlCronTicks(connection));
  for (let tick = 0; tick < 10; tick++) {
    const at = NOW + tick;
    const due = await Promise.all(all.map((ticks) => ticks.due(at, 10)));
    expect(due.every((entries) => entries.length === 1)).toBe(true);
    const message = messageOf(`tick-${tick}`);
    const made = await Promise.all(
      all.map((ticks, i) => {
        const [entry] = due[i] ?? [];
        return entry && ticks.fire(entry, { at, message, terms: KEY, nextAt: at + 1 });
      }),
    );
    expect(made.filter((one) => one === true)).toHaveLength(1);
  }
  expect(await lab.rows('schedule')).toHaveLength(10);
  expect(await book.find('e')).toMatchObject({ nextAt: NOW + 10, lastAt: NOW + 9, lastId: 'tick-9' });
  expect(await byKey()).toHaveLength(10);
});

test('cron entries that cannot be run are passed over, however many, until somebody changes them', async () => {
  const book = new MysqlCronBook(gateway.connection);
  const ticks = new MysqlCronTicks(gateway.connection);
  const draft = { topic: TOPIC, expression: '* * * * *', zone: '', missed: 'once', wire: messageOf('x').wire } as const;
  const add = async (name: string, nextAt: number) => {
    const made = await book.add(name, { ...draft, nextAt }, { paused: false, now: NOW - 1 });
    if (made === undefined) throw new Error('the name was free');
    return made;
  };
  const stuck = [await add('stuck-1', NOW - 2), await add('stuck-2', NOW - 1)];
  // A list of more than 1,000 is another plan to MariaDB.
  const gone = Array.from({ length: 2_000 }, (_, i) => ({ number: 1_000 + i, updatedAt: NOW }));
  for (const except of [stuck, [...stuck, ...gone]]) {
    expect(await ticks.due(NOW, 1, except)).toEqual([]);
    expect(await ticks.next(except)).toBeUndefined();
  }
  await add('good', NOW);
  for (const except of [stuck, [...gone, ...stuck]]) {
    expect((await ticks.due(NOW, 1, except)).map(({ name }) => name)).toEqual(['good']);
    expect(await ticks.next(except)).toBe(NOW);
  }
  await book.replace('stuck-2', { ...draft, nextAt: NOW - 1 }, NOW);
  expect((await ticks.due(NOW, 1, stuck)).map(({ name }) => name)).toEqual(['stuck-2']);
});
