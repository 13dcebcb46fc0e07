import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allShards } from '../../fixture/shards.js';
import { attemptNumber } from '../../model/attempt.js';
import type { Channel } from '../../model/channel.js';
import type { Change, Entry } from '../../ports/ledger.js';
import { PAGE_BYTES } from '../../ports/page.js';
import { Fixture, message } from '../sqlite/fixture.js';
import { SqliteBacklogs } from './backlogs.js';
import { SqliteInspector } from './inspector.js';
import { SqliteLedger } from './ledger.js';
import { SqliteOperator } from './operator.js';
import { SqliteSchedule } from './schedule.js';

const NOW = 1_000_000;
const SHARD_LIST = allShards(1);
const EVERY = { topic: undefined, channels: undefined, ids: undefined, after: 0, before: 0, reason: '' };
const START = { limit: 100, from: undefined };

let fixture: Fixture;
let ledger: SqliteLedger;
let schedule: SqliteSchedule;
let operator: SqliteOperator;
let inspector: SqliteInspector;
let backlogs: SqliteBacklogs;
let channel: Channel;
let nonce = 1;

beforeEach(async () => {
  fixture = new Fixture();
  const store = fixture.open();
  ledger = new SqliteLedger(store);
  schedule = new SqliteSchedule(store);
  operator = new SqliteOperator(store);
  inspector = new SqliteInspector(store);
  backlogs = new SqliteBacklogs(store);
  channel = await ledger.channel('t', 'c');
});
afterEach(() => fixture.remove());

function handOut(id: string) {
  return { channel: channel.id, topic: 't', id, nonce: nonce++, consumer: 'w', acceptedAt: 1, deliveredAt: 2 };
}

function entry(id: string, change: Change, attempt = 1): Entry {
  return { ...handOut(id), attempt, change, recorded: false, at: 5 };
}

const keyOf = (id: string) => ({ channel: channel.id, topic: 't', id });
const wireOf = (id: string) => message('t', id).wire;
const dead = (id: string, attempt = 1) => entry(id, { state: 'dead', reason: 'x', wire: wireOf(id) }, attempt);
const retry = (id: string, dueAt: number) => {
  return entry(id, { state: 'retry', reason: 'x', dueAt, expiresAt: 0, wire: wireOf(id) });
};

describe('redriving', () => {
  test('makes a dead letter due, in a new round of attempts', async () => {
    await ledger.write([dead('a', 4), dead('b')]);
    const letters = [
      { ...keyOf('a'), dueAt: NOW },
      { ...keyOf('nobody'), dueAt: NOW },
    ];
    expect(await operator.redrive(letters, { actor: 'me', now: NOW })).toBe(1);
    expect(await operator.redrive(letters, { actor: 'me', now: NOW })).toBe(0);
    const due = await schedule.claim(NOW, 10, 1_000, SHARD_LIST);
    expect(due.map(({ channel, message }) => [channel, message.id])).toEqual([[channel.id, 'a']]);
    const [attempt = 0] = await ledger.take([handOut('a')]);
    expect(attemptNumber(attempt)).toBe(1);
    expect(attempt).toBeGreaterThan(4);
    const history = await inspector.attempts(channel.id, 't', 'a');
    expect(history.map(({ outcome, consumer }) => [outcome, consumer])).toEqual([
      ['dead', 'w'],
      ['redriven', 'me'],
    ]);
  });

  test('leaves receipts of the rounds before stale', async () => {
    const early = handOut('a');
    await ledger.write([{ ...early, attempt: 1, change: { state: 'delivered' }, recorded: false, at: 5 }]);
    await ledger.write([dead('a', 2)]);
    await operator.redrive([{ ...keyOf('a'), dueAt: NOW }], { actor: 'me', now: NOW });
    const late: Entry = { ...early, attempt: 1, change: { state: 'acked' }, recorded: false, at: 9 };
    expect(await ledger.write([late])).toEqual(['stale']);
  });
});

describe('discarding', () => {
  test('ends what is held, and its record says purged', async () => {
    await ledger.write([dead('a'), retry('b', NOW)]);
    expect(await operator.discard([keyOf('a'), keyOf('b')], 'dead', NOW)).toBe(1);
    expect(await operator.discard([keyOf('b')], 'retry', NOW)).toBe(1);
    expect((await backlogs.dead(EVERY, START)).rows).toEqual([]);
    expect(await schedule.nextDue()).toBeUndefined();
    const purged = await inspector.records({ ...EVERY, states: ['purged'] }, START);
    expect(purged.rows.map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
    expect(await ledger.take([handOut('a')])).toEqual([0]);
  });

  test('leaves a retry that is on its way to the broker', async () => {
    await ledger.write([retry('a', NOW)]);
    await schedule.claim(NOW, 10, 1_000, SHARD_LIST);
    expect(await operator.discard([keyOf('a')], 'retry', NOW)).toBe(0);
    expect(await operator.runNow(keyOf('a'), NOW)).toBe('claimed');
  });
});

test('what waits runs now when it is told to', async () => {
  await ledger.write([retry('a', NOW + 9_999)]);
  await schedule.add([{ message: message('t', 'd'), dueAt: NOW + 9_999 }]);
  expect(await operator.runNow(keyOf('a'), NOW)).toBe('changed');
  expect(await operator.runNow({ channel: 0, topic: 't', id: 'd' }, NOW)).toBe('changed');
  expect(await operator.runNow(keyOf('nobody'), NOW)).toBe('absent');
  expect(await schedule.claim(NOW, 10, 1_000, SHARD_LIST)).toHaveLength(2);
});

test('what waits for a topic is withdrawn, a part at a time', async () => {
  const ids = ['a', 'b', 'c'];
  await schedule.add(ids.map((id) => ({ message: message('t', id), dueAt: id === 'a' ? NOW : undefined })));
  expect(await backlogs.waiting('t')).toEqual({ delayed: 1, parked: 2 });
  expect(await operator.withdraw('t', 2, NOW)).toBe(2);
  expect(await operator.withdraw('t', 2, NOW)).toBe(1);
  expect(await backlogs.waiting('t')).toEqual({ delayed: 0, parked: 0 });
  const ended = await inspector.records({ ...EVERY, states: ['cancelled'] }, START);
  expect(ended.rows.map(({ id }) => id).toSorted()).toEqual(ids);
});

describe('a channel', () => {
  test('that is paused says so, until it is resumed', async () => {
    await operator.pause(channel.id, true);
    expect(await ledger.channels(true)).toMatchObject([{ id: channel.id, paused: true }]);
    await operator.pause(channel.id, false);
    expect(await ledger.channels(true)).toMatchObject([{ paused: false }]);
  });

  test('that was removed keeps its number, and is new when it is made again', async () => {
    const policy = { maxRetries: 9, backoff: { kind: 'fixed', delayMs: 1 } } as const;
    await ledger.channel('t', 'c', policy);
    await operator.pause(channel.id, true);
    await operator.remove(channel.id);
    expect(await ledger.channels(true)).toEqual([]);
    const again = await ledger.channel('t', 'c');
    expect(again).toMatchObject({ id: channel.id, retry: undefined, paused: false });
  });
});

test('counts are by channel and state', async () => {
  const lease: Change = { state: 'leased', deadline: NOW, expiresAt: 0, wire: wireOf('l') };
  await ledger.write([dead('a'), dead('b'), retry('r', NOW), entry('l', lease)]);
  const counts = await backlogs.counts();
  expect(counts.channels.get(channel.id)).toEqual({ leased: 1, retry: 1, dead: 2 });
  expect(counts).toMatchObject({ scheduled: 1, dead: 2, parked: 0, more: false });
});

test('the counts of one channel are its own, however much others hold', async () => {
  const other = await ledger.channel('t', 'other');
  await schedule.add([{ message: message('t', 'd'), dueAt: NOW }]);
  await ledger.write([dead('a'), retry('r', NOW)]);
  await schedule.claim(NOW, 10, 1_000, SHARD_LIST);
  expect(await backlogs.holding(channel.id)).toEqual({ leased: 0, retry: 1, dead: 1 });
  expect(await backlogs.holding(other.id)).toEqual({ leased: 0, retry: 0, dead: 0 });
});

test('a page ends before its messages take too much memory', async () => {
  const large = Buffer.alloc(PAGE_BYTES / 2 - 1);
  for (const id of ['a', 'b', 'c']) {
    await ledger.write([entry(`dead-${id}`, { state: 'dead', reason: 'x', wire: large })]);
    await ledger.write([entry(`late-${id}`, { state: 'retry', reason: 'x', dueAt: NOW, expiresAt: 0, wire: large })]);
  }
  const first = await backlogs.dead(EVERY, START);
  expect(first.rows.map(({ wire }) => wire.length)).toEqual([large.length, large.length]);
  const second = await backlogs.dead(EVERY, { limit: 100, from: first.next });
  expect([second.rows.length, second.next]).toEqual([1, undefined]);
  const due = await backlogs.scheduled(EVERY, START);
  const later = await backlogs.scheduled(EVERY, { limit: 100, from: due.next });
  expect([due.rows.length, later.rows.length, later.next]).toEqual([2, 1, undefined]);
});
