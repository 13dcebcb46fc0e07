import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel } from '../../model/channel.js';
import type { RecordFilter, RecordView } from '../../ports/inspector.js';
import type { Change, Entry } from '../../ports/ledger.js';
import { type Position, SCAN_LIMIT } from '../../ports/page.js';
import { Fixture, message } from '../sqlite/fixture.js';
import type { Store } from '../sqlite/store.js';
import { SqliteInspector } from './inspector.js';
import { SqliteLedger } from './ledger.js';

const ALL: RecordFilter = { states: ['acked'], topic: undefined, channels: undefined, after: 0, before: 0 };

let fixture: Fixture;
let store: Store;
let ledger: SqliteLedger;
let inspector: SqliteInspector;
let channel: Channel;
let nonce = 1;

beforeEach(async () => {
  fixture = new Fixture();
  store = fixture.open();
  ledger = new SqliteLedger(store);
  inspector = new SqliteInspector(store);
  channel = await ledger.channel('t', 'c');
});
afterEach(() => fixture.remove());

function entry(id: string, change: Change, at: number, on = channel): Entry {
  const topic = on.topic;
  return {
    channel: on.id,
    topic,
    id,
    nonce: nonce++,
    consumer: 'w',
    acceptedAt: 1,
    deliveredAt: 2,
    attempt: 1,
    change,
    recorded: false,
    at,
  };
}

const acked = (id: string, at: number, on = channel) => entry(id, { state: 'acked' }, at, on);
const leased = (id: string, deadline: number) =>
  entry(id, { state: 'leased', deadline, expiresAt: 0, wire: message('t', id).wire }, 5);

/** Every page, to the end. */
async function all(filter: Partial<RecordFilter>, limit: number): Promise<{ rows: RecordView[]; pages: number }> {
  const rows: RecordView[] = [];
  let from: Position | undefined;
  let pages = 0;
  do {
    const page = await inspector.records({ ...ALL, ...filter }, { limit, from });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    from = page.next;
    pages++;
  } while (from !== undefined);
  return { rows, pages };
}

const idsOf = (rows: readonly RecordView[]) => rows.map(({ id }) => id);

describe('records', () => {
  test('come newest first, each once, also where many have one time', async () => {
    await ledger.write([acked('a', 10), acked('b', 20), acked('c', 20), acked('d', 20), acked('e', 30)]);
    expect(idsOf((await all({}, 2)).rows)).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(idsOf((await all({ after: 20, before: 30 }, 2)).rows)).toEqual(['d', 'c', 'b']);
  });

  test('of several states come in one order', async () => {
    const dead: Change = { state: 'dead', reason: 'x', wire: message('t', 'b').wire };
    await ledger.write([acked('a', 10), entry('b', dead, 20), acked('c', 30), leased('l1', 900), leased('l2', 800)]);
    await ledger.write([entry('d', { state: 'delivered' }, 40)]);
    const { rows } = await all({ states: ['acked', 'dead', 'leased', 'delivered', 'expired'] }, 2);
    expect(idsOf(rows)).toEqual(['c', 'b', 'a', 'l1', 'l2', 'd']);
    expect(rows.find(({ id }) => id === 'l1')).toMatchObject({ state: 'leased', dueAt: 900, settledAt: 0 });
  });

  test('that a filter leaves out do not make a call long: a page is short, and the next goes on', async () => {
    const rare = await ledger.channel('t', 'rare');
    await ledger.write([acked('first', 1, rare)]);
    const many = Array.from({ length: SCAN_LIMIT + 10 }, (_, i) => acked(`m${i}`, 10 + i));
    await ledger.write(many);
    const first = await inspector.records({ ...ALL, channels: [rare.id] }, { limit: 10, from: undefined });
    expect(first.rows).toEqual([]);
    expect(first.next).toBeDefined();
    const { rows, pages } = await all({ channels: [rare.id] }, 10);
    expect(idsOf(rows)).toEqual(['first']);
    expect(pages).toBe(2);
  });

  test('of a topic that nobody knows are none', async () => {
    expect(await all({ topic: 'nobody' }, 10)).toEqual({ rows: [], pages: 1 });
  });
});

test('a message is found at the places where it has a record', async () => {
  await ledger.write([acked('a', 10), leased('b', 900)]);
  const places = [
    { channel: 0 as const, topic: 't' },
    { channel: channel.id, topic: 't' },
    { channel: channel.id, topic: 'other' },
  ];
  expect(await inspector.recordsAt('a', places)).toMatchObject([{ id: 'a', channel: channel.id, state: 'acked' }]);
  expect(await inspector.wire('t', 'a', channel.id)).toBeUndefined();
  expect(await inspector.wire('t', 'b', channel.id)).toEqual(new Uint8Array(message('t', 'b').wire));
});
