import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { MysqlAuditLog } from '../../server/src/adapters/ledger-mysql/audit-log.js';
import { MysqlBacklogs } from '../../server/src/adapters/ledger-mysql/backlogs.js';
import { MysqlInspector } from '../../server/src/adapters/ledger-mysql/inspector.js';
import { MysqlOperator } from '../../server/src/adapters/ledger-mysql/operator.js';
import { Session } from '../../server/src/adapters/ledger-mysql/session.js';
import { allShards } from '../../server/src/fixture/shards.js';
import { attemptNumber } from '../../server/src/model/attempt.js';
import type { Channel } from '../../server/src/model/channel.js';
import type { DeadFilter } from '../../server/src/ports/backlogs.js';
import type { RecordFilter, RecordView } from '../../server/src/ports/inspector.js';
import type { Change } from '../../server/src/ports/ledger.js';
import { PAGE_BYTES, type Position, SCAN_LIMIT } from '../../server/src/ports/page.js';
import { sharedServices } from '../support/services.js';
import { ACKED, claimOf, entryOf, type Gateway, leaseOf, MysqlLab, messageOf, retryOf, TOPIC } from './mysql-lab.js';

const NOW = 1_000_000;
const EVERY: DeadFilter & Omit<RecordFilter, 'states'> = {
  topic: undefined,
  channels: undefined,
  ids: undefined,
  after: 0,
  before: 0,
  reason: '',
};
const START = { limit: 100, from: undefined };

let lab: MysqlLab;
let gateway: Gateway;
let channel: Channel;
let inspector: MysqlInspector;
let backlogs: MysqlBacklogs;
let operator: MysqlOperator;

beforeEach(async () => {
  lab = new MysqlLab(sharedServices().mysql);
  gateway = await lab.gateway();
  channel = await gateway.ledger.channel(TOPIC, 'c');
  inspector = new MysqlInspector(gateway.connection);
  backlogs = new MysqlBacklogs(gateway.connection);
  operator = new MysqlOperator(gateway.connection);
});

const settled = (id: string, change: Change, at: number, attempt = 1, on = channel) =>
  entryOf(claimOf(on.id, id), change, { at, attempt });
const deadOf = (id: string): Change => ({ state: 'dead', reason: 'No Use', wire: messageOf(id).wire });
const keyOf = (id: string) => ({ channel: channel.id, topic: TOPIC, id });
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

async function all(filter: Partial<RecordFilter>, limit: number): Promise<{ rows: RecordView[]; pages: number }> {
  const rows: RecordView[] = [];
  let from: Position | undefined;
  let pages = 0;
  do {
    const page = await inspector.records({ ...EVERY, states: ['acked'], ...filter }, { limit, from });
    rows.push(...page.rows);
    from = page.next;
    pages++;
  } while (from !== undefined);
  return { rows, pages };
}

test('records come newest first, each once, also where many have one time', async () => {
  const acks = [10, 20, 20, 20, 30].map((at, i) => settled('abcde'.charAt(i), ACKED, at));
  await gateway.ledger.write([...acks, settled('x', deadOf('x'), 25), settled('l', leaseOf('l', 900), 5)]);
  expect(idsOf((await all({}, 2)).rows)).toEqual(['e', 'd', 'c', 'b', 'a']);
  expect(idsOf((await all({ after: 20, before: 30 }, 2)).rows)).toEqual(['d', 'c', 'b']);
  expect(idsOf((await all({ states: ['acked', 'dead', 'leased'] }, 2)).rows)).toEqual([
    'e',
    'x',
    'd',
    'c',
    'b',
    'a',
    'l',
  ]);
});

test('records that a filter leaves out do not make a call long: a page is short, and the next goes on', async () => {
  const rare = await gateway.ledger.channel(TOPIC, 'rare');
  await gateway.ledger.write([settled('first', ACKED, 1, 1, rare)]);
  await gateway.ledger.write(Array.from({ length: SCAN_LIMIT + 10 }, (_, i) => settled(`m${i}`, ACKED, 10 + i)));
  const { rows, pages } = await all({ channels: [rare.id] }, 10);
  expect(idsOf(rows)).toEqual(['first']);
  expect(pages).toBe(2);
});

test('what waits comes by its due time, also where many have one time, and without what is on its way', async () => {
  const ids = Array.from({ length: 7 }, (_, i) => `w${i}`);
  await gateway.schedule.add(ids.map((id) => ({ message: messageOf(id), dueAt: NOW })));
  await gateway.ledger.write([settled('r', retryOf('r', NOW + 5), 5), settled('now', retryOf('now', 1), 5)]);
  await gateway.schedule.claim(2, 10, NOW, allShards(1));
  const seen: string[] = [];
  let from: Position | undefined;
  do {
    const page = await backlogs.scheduled(EVERY, { limit: 3, from });
    seen.push(...idsOf(page.rows));
    from = page.next;
  } while (from !== undefined);
  expect(seen.slice(0, -1).toSorted()).toEqual(ids);
  expect(seen.at(-1)).toBe('r');
});

describe('redriving', () => {
  test('makes a dead letter due at its time, in a new round of attempts', async () => {
    await gateway.ledger.write([settled('a', deadOf('a'), 5, 4), settled('b', deadOf('b'), 6)]);
    const letters = [
      { ...keyOf('a'), dueAt: NOW },
      { ...keyOf('b'), dueAt: NOW + 100 },
      { ...keyOf('nobody'), dueAt: NOW },
    ];
    expect(await operator.redrive(letters, { actor: 'me', now: NOW })).toBe(2);
    expect(await operator.redrive(letters, { actor: 'me', now: NOW })).toBe(0);
    const due = await gateway.schedule.claim(NOW, 10, 1_000, allShards(1));
    expect(due.map(({ message }) => message.id)).toEqual(['a']);
    const [attempt = 0] = await gateway.ledger.take([claimOf(channel.id, 'a')]);
    expect(attemptNumber(attempt)).toBe(1);
    const history = await inspector.attempts(channel.id, TOPIC, 'a');
    expect(history.map(({ outcome }) => outcome)).toEqual(['dead', 'redriven']);
  });

  test('leaves receipts of the rounds before stale', async () => {
    const early = claimOf(channel.id, 'a');
    await gateway.ledger.write([entryOf(early, { state: 'delivered' })]);
    await gateway.ledger.write([settled('a', deadOf('a'), 5, 2)]);
    await operator.redrive([{ ...keyOf('a'), dueAt: NOW }], { actor: 'me', now: NOW });
    expect(await gateway.ledger.write([entryOf(early, ACKED)])).toEqual(['stale']);
  });
});

test('what is discarded ends purged, but for what is on its way to the broker', async () => {
  await gateway.ledger.write([
    settled('a', deadOf('a'), 5),
    settled('b', retryOf('b', 1), 5),
    settled('c', retryOf('c', NOW), 5),
  ]);
  await gateway.schedule.claim(2, 10, NOW, allShards(1));
  expect(await operator.discard([keyOf('a'), keyOf('b'), keyOf('c')], 'dead', NOW)).toBe(1);
  expect(await operator.discard([keyOf('a'), keyOf('b'), keyOf('c')], 'retry', NOW)).toBe(1);
  expect(idsOf((await all({ states: ['purged'] }, 10)).rows).toSorted()).toEqual(['a', 'c']);
  expect(await gateway.ledger.take([claimOf(channel.id, 'a')])).toEqual([0]);
  expect(await operator.runNow(keyOf('b'), NOW)).toBe('claimed');
  expect(await operator.runNow(keyOf('a'), NOW)).toBe('absent');
});

test('a channel that was removed keeps its number on every gateway, and is new when it is made again', async () => {
  const other = await lab.gateway();
  const policy = { maxRetries: 9, backoff: { kind: 'fixed', delayMs: 1 } } as const;
  await other.ledger.channel(TOPIC, 'c', policy);
  await operator.pause(channel.id, true);
  expect(await other.ledger.channels(true)).toMatchObject([{ paused: true }]);
  await operator.remove(channel.id);
  expect(await other.ledger.channels(true)).toEqual([]);
  expect(await other.ledger.channel(TOPIC, 'c')).toMatchObject({ id: channel.id, retry: undefined, paused: false });
});

test('a list of channels that is asked for anew has what was committed before, also while another is being read', async () => {
  const { connection, ledger } = gateway;
  const once = connection.once.bind(connection);
  let goOn = () => {};
  const going = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const read = new Promise<void>((resolve) => {
    vi.spyOn(connection, 'once').mockImplementationOnce(async (work) => {
      const rows = await once(work);
      resolve();
      await going;
      return rows;
    });
  });
  const early = ledger.channels(true);
  await read;
  await operator.pause(channel.id, true);
  const late = ledger.channels(true);
  goOn();
  expect(await early).toMatchObject([{ paused: false }]);
  expect(await late).toMatchObject([{ paused: true }]);
});

test('a channel that another gateway made is in the list from when it is used here', async () => {
  const other = await lab.gateway();
  expect(await other.ledger.channels(true)).toHaveLength(1);
  const made = await gateway.ledger.channel(TOPIC, 'made');
  await other.ledger.channel(TOPIC, 'made');
  // Should MySQL go away now, this is the list for as long as it is away.
  expect((await other.ledger.channels()).map(({ id }) => id)).toEqual([channel.id, made.id]);
});

test('the counts of one channel are its own, however much others hold', async () => {
  const other = await gateway.ledger.channel(TOPIC, 'other');
  const lease = leaseOf('l', NOW);
  await gateway.ledger.write([
    settled('a', deadOf('a'), 1),
    settled('r', retryOf('r', NOW), 1),
    settled('l', lease, 1),
  ]);
  await gateway.schedule.claim(NOW, 10, 1_000, allShards(1));
  expect(await backlogs.holding(channel.id)).toEqual({ leased: 1, retry: 1, dead: 1 });
  expect(await backlogs.holding(other.id)).toEqual({ leased: 0, retry: 0, dead: 0 });
});

test('a page ends before its messages take too much memory, and many ids are looked up in several statements', async () => {
  const wire = Buffer.alloc(PAGE_BYTES / 4);
  const ids = Array.from({ length: 6 }, (_, i) => `large-${i}`);
  for (const id of ids) {
    await gateway.ledger.write([settled(id, { state: 'dead', reason: 'x', wire }, NOW)]);
  }
  const first = await backlogs.dead(EVERY, START);
  const second = await backlogs.dead(EVERY, { limit: 100, from: first.next });
  expect([first.rows.length, second.rows.length, second.next]).toEqual([4, 2, undefined]);
  expect([...idsOf(first.rows), ...idsOf(second.rows)].toSorted()).toEqual(ids);
  expect(second.rows[0]?.wire.length).toBe(wire.length);
  const many = Array.from({ length: 1_000 }, (_, i) => `nobody-${i}`);
  const channels = Array.from({ length: 3 }, (_, i) => (channel.id + i) as typeof channel.id);
  const named = await backlogs.dead({ ...EVERY, topic: TOPIC, channels, ids: [...many, 'large-3'] }, START);
  expect(idsOf(named.rows)).toEqual(['large-3']);
});

test('every list reads a range of an index', async () => {
  await gateway.ledger.write([settled('a', deadOf('a'), 5), settled('b', ACKED, 6)]);
  await gateway.schedule.add([{ message: messageOf('w'), dueAt: NOW }]);
  const spy = vi.spyOn(Session.prototype, 'rows');
  onTestFinished(() => spy.mockRestore());
  const from: Position = { time: 5, channel: 1, topic: 1, id: 'a' };
  const narrow = { ...EVERY, topic: TOPIC, channels: [channel.id], after: 1, before: NOW };
  const audit = new MysqlAuditLog(gateway.connection);
  for (const filter of [EVERY, narrow]) {
    for (const start of [undefined, from]) {
      const ask = { limit: 10, from: start };
      await inspector.records({ ...filter, states: ['acked', 'dead'] }, ask);
      await backlogs.dead({ ...filter, reason: filter === narrow ? 'use' : '' }, ask);
      await backlogs.scheduled(filter, ask);
      await audit.list(filter, ask);
      for (const states of [[], ['dead' as const]]) {
        await inspector.recordsBy({ name: '', value: 'k' }, { ...filter, states }, ask);
      }
    }
  }
  await backlogs.dead({ ...narrow, ids: ['a'] }, START);
  await backlogs.counts();
  await backlogs.waiting(TOPIC);
  await inspector.recordsAt('a', [{ channel: channel.id, topic: TOPIC }]);
  await inspector.attempts(channel.id, TOPIC, 'a');
  await inspector.holders(TOPIC, 'a', [0, channel.id]);
  await inspector.wire(TOPIC, 'a', channel.id);
  await audit.prune(NOW, 500);
  await gateway.schedule.prune(NOW, 500);
  const statements = spy.mock.calls.map(([sql]) => sql);
  expect(statements.length).toBeGreaterThan(20);
  for (const sql of statements) {
    const plan = await lab.query<{ table: string | null; type: string | null }>(`EXPLAIN ${inDatabase(sql)}`);
    const whole = plan.filter(
      ({ table, type }) => type === 'ALL' && /^(d|s|a|k|deliveries|schedule|attempts|audit|terms)$/.test(table ?? ''),
    );
    expect(whole, sql).toEqual([]);
  }
});

/** The lab's queries come by connections that have no database. */
function inDatabase(sql: string): string {
  return sql.replace(
    /\b(FROM|JOIN) (deliveries|schedule|attempts|audit|topics|channels|terms|nodes|cron)\b/g,
    `$1 ${lab.database}.$2`,
  );
}
