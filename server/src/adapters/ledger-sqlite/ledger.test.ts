import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { allShards } from '../../fixture/shards.js';
import type { Channel, ChannelId } from '../../model/channel.js';
import type { Change, Claim, Entry } from '../../ports/ledger.js';
import { Fixture, limitPages, message, pageCount } from '../sqlite/fixture.js';
import type { Store } from '../sqlite/store.js';
import { SqliteLedger } from './ledger.js';
import { SqliteSchedule } from './schedule.js';

const LATER = 5_000;

describe('the SQLite ledger', () => {
  let fixture: Fixture;
  let store: Store;
  let ledger: SqliteLedger;
  let schedule: SqliteSchedule;
  let channel: Channel;

  beforeEach(async () => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
    open();
    channel = await ledger.channel('orders', 'shop');
  });

  function open(): void {
    store = fixture.open();
    ledger = new SqliteLedger(store);
    schedule = new SqliteSchedule(store);
  }

  const out = (id: string, nonce: number): Claim => ({
    channel: channel.id,
    topic: 'orders',
    id,
    nonce,
    consumer: 'c1',
    acceptedAt: 10,
    deliveredAt: 20,
  });
  const entry = (id: string, attempt: number, nonce: number, change: Change, more: Partial<Entry> = {}): Entry => ({
    ...out(id, nonce),
    attempt,
    change,
    recorded: false,
    at: 30,
    ...more,
  });
  const take = async (id: string, nonce: number) => (await ledger.take([out(id, nonce)]))[0];
  const write = async (...entries: Entry[]) => ledger.write(entries);
  const retry = (id: string, dueAt = LATER): Change => ({
    state: 'retry',
    reason: 'nacked',
    dueAt,
    expiresAt: 0,
    wire: message('orders', id).wire,
  });
  const leased = (id: string, deadline = LATER): Change => ({
    state: 'leased',
    deadline,
    expiresAt: 0,
    wire: message('orders', id).wire,
  });
  const ACKED: Change = { state: 'acked' };
  const rows = (table: string) =>
    store.read('LEDGER_UNAVAILABLE', () => store.prepare<Record<string, unknown>>(`SELECT * FROM ${table}`).all());

  describe('channels', () => {
    test('are made once, and known after a restart', async () => {
      const again = await Promise.all([ledger.channel('orders', 'shop'), ledger.channel('orders', 'shop')]);
      expect(again.map(({ id }) => id)).toEqual([channel.id, channel.id]);
      const other = await ledger.channel('orders.*', 'shop');
      expect(other.id).not.toBe(channel.id);
      await store.stop();
      open();
      expect(await ledger.channels()).toEqual([channel, other]);
      expect(await ledger.channel('orders', 'shop')).toEqual(channel);
    });

    test('keep their retry policy until another is given', async () => {
      const policy = { maxRetries: 3, backoff: { kind: 'fixed', delayMs: 5 } } as const;
      expect((await ledger.channel('orders', 'shop', policy)).retry).toEqual(policy);
      expect((await ledger.channel('orders', 'shop')).retry).toEqual(policy);
      await store.stop();
      open();
      expect((await ledger.channel('orders', 'shop')).retry).toEqual(policy);
      const other = { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 5 } } as const;
      expect((await ledger.channel('orders', 'shop', other)).retry).toEqual(other);
    });
  });

  describe('take', () => {
    test('counts attempts, from one', async () => {
      expect(await ledger.take([out('a', 1), out('b', 2)])).toEqual([1, 1]);
      expect(await take('a', 3)).toBe(2);
      expect(await write(entry('a', 2, 3, { state: 'returned', reason: 'gone' }))).toEqual(['ok']);
      expect(await take('a', 4)).toBe(3);
    });

    test('refuses what is final', async () => {
      await write(
        entry('acked', 1, 1, ACKED),
        entry('dead', 1, 2, { state: 'dead', reason: 'rejected', wire: message('orders', 'dead').wire }),
        entry('expired', 1, 3, { state: 'expired' }),
      );
      expect(await ledger.take([out('acked', 4), out('dead', 5), out('expired', 6)])).toEqual([0, 0, 0]);
    });

    test('refuses what is leased', async () => {
      await write(entry('a', 1, 1, leased('a')));
      expect(await take('a', 2)).toBe(0);
    });

    test('refuses what waits for its retry, and takes the copy that the schedule brings', async () => {
      await write(entry('a', 1, 1, retry('a')));
      expect(await take('a', 2)).toBe(0);
      const [due] = await schedule.claim(LATER, 10, 1_000, allShards(1));
      expect(await take('a', 3)).toBe(2);
      if (due !== undefined) await schedule.settle([{ due, how: 'published' }], LATER);
      expect(await take('a', 4)).toBe(3);
    });

    test('drops the claim of the copy that it takes, so that no second copy follows a crash', async () => {
      await write(entry('a', 1, 1, retry('a')));
      await schedule.claim(LATER, 10, 1_000, allShards(1));
      expect(await take('a', 2)).toBe(2);
      expect(await schedule.claim(LATER + 1_000, 10, 1_000, allShards(1))).toEqual([]);
    });

    test('answers a repeated claim as before', async () => {
      expect(await take('a', 1)).toBe(1);
      expect(await take('a', 1)).toBe(1);
    });

    test('voids the hand-out before', async () => {
      await take('a', 1);
      await take('a', 2);
      expect(await write(entry('a', 1, 1, ACKED))).toEqual(['stale']);
      expect(await write(entry('a', 2, 2, ACKED))).toEqual(['ok']);
    });
  });

  describe('write', () => {
    test('an ack is final, twice ok, and survives a restart', async () => {
      expect(await write(entry('a', 1, 1, ACKED))).toEqual(['ok']);
      expect(await write(entry('a', 1, 1, ACKED))).toEqual(['ok']);
      expect(await write(entry('a', 1, 1, retry('a')), entry('a', 2, 2, ACKED))).toEqual(['stale', 'stale']);
      await store.stop();
      open();
      expect(await take('a', 3)).toBe(0);
    });

    test('answers each entry by itself, in order', async () => {
      const outcomes = await write(
        entry('a', 1, 1, { state: 'delivered' }),
        entry('a', 1, 1, ACKED),
        entry('a', 1, 9, ACKED),
        entry('b', 1, 2, ACKED, { recorded: true }),
        entry('c', 1, 3, ACKED),
      );
      expect(outcomes).toEqual(['ok', 'ok', 'stale', 'stale', 'ok']);
      expect(rows('deliveries')).toHaveLength(2);
    });

    test('keeps who had a message when a stranger settles it', async () => {
      await take('a', 1);
      const stranger = { consumer: '', acceptedAt: 0, deliveredAt: 0, recorded: true, at: 99 };
      expect(await write(entry('a', 1, 1, ACKED, stranger))).toEqual(['ok']);
      expect(rows('deliveries')).toMatchObject([
        { state: 'acked', consumer: 'c1', accepted_at: 10, delivered_at: 20, settled_at: 99 },
      ]);
    });

    test('keeps a history of the attempts that did not end well', async () => {
      await write(entry('a', 1, 1, retry('a', 0)));
      await schedule.claim(1, 10, 1_000, allShards(1));
      await take('a', 2);
      await write(entry('a', 2, 2, { state: 'returned', reason: 'gone' }));
      await take('a', 3);
      await write(entry('a', 3, 3, ACKED));
      expect(rows('attempts')).toMatchObject([
        { attempt: 1, outcome: 'retry', reason: 'nacked', consumer: 'c1', delivered_at: 20, settled_at: 30 },
        { attempt: 2, outcome: 'returned', reason: 'gone' },
      ]);
      expect(rows('deliveries')).toMatchObject([{ state: 'acked', attempt: 3, reason: '' }]);
    });

    test('a retry is in the schedule with its body and comes due for its channel', async () => {
      expect(await write(entry('a', 1, 1, retry('a')))).toEqual(['ok']);
      expect(await write(entry('a', 1, 1, retry('a')))).toEqual(['ok']);
      expect(await schedule.nextDue()).toBe(LATER);
      const due = await schedule.claim(LATER, 10, 1_000, allShards(1));
      expect(due).toMatchObject([{ channel: channel.id, dueAt: LATER, message: { id: 'a', topic: 'orders' } }]);
    });

    test('a nack of the copy replaces the retry whose claim is still open', async () => {
      await write(entry('a', 1, 1, retry('a')));
      const [due] = await schedule.claim(LATER, 10, 1_000, allShards(1));
      await take('a', 2);
      await write(entry('a', 2, 2, retry('a', 2 * LATER)));
      if (due !== undefined) await schedule.settle([{ due, how: 'published' }], LATER);
      expect(await schedule.claim(2 * LATER, 10, 1_000, allShards(1))).toMatchObject([{ dueAt: 2 * LATER }]);
    });

    test('a dead letter stays with its body', async () => {
      const { wire } = message('orders', 'a');
      await write(entry('a', 1, 1, { state: 'dead', reason: 'rejected', wire }));
      expect(rows('schedule')).toMatchObject([{ state: 'dead', reason: 'rejected', wire: new Uint8Array(wire) }]);
      expect(await schedule.nextDue()).toBeUndefined();
      expect(await schedule.prune(1_000, 10)).toBe(0);
    });

    test('what needs a body that nobody has is stale', async () => {
      await take('a', 1);
      expect(await write(entry('a', 1, 1, { state: 'dead', reason: '' }))).toEqual(['stale']);
      expect(await write(entry('b', 1, 2, { state: 'retry', reason: '', dueAt: 1, expiresAt: 0 }))).toEqual(['stale']);
      expect(await write(entry('a', 1, 1, ACKED))).toEqual(['ok']);
    });
  });

  describe('a lease', () => {
    const stranger = { acceptedAt: 0, deliveredAt: 0, consumer: '', recorded: true };
    const extended: Change = { state: 'leased', deadline: 2 * LATER, expiresAt: 0 };

    beforeEach(async () => {
      expect(await write(entry('a', 1, 1, leased('a')))).toEqual(['ok']);
    });

    test('runs out at its deadline, unless it was extended', async () => {
      expect(await schedule.expiredLeases(LATER - 1, 10, allShards(1))).toEqual([]);
      const lease = {
        channel: channel.id,
        topic: 'orders',
        id: 'a',
        attempt: 1,
        nonce: 1,
        deadline: LATER,
        aliased: false,
      };
      expect(await schedule.expiredLeases(LATER, 10, allShards(1))).toEqual([lease]);
      expect(await write(entry('a', 1, 1, extended, stranger))).toEqual(['ok']);
      expect(await schedule.expiredLeases(LATER, 10, allShards(1))).toEqual([]);
      expect(await schedule.expiredLeases(2 * LATER, 10, allShards(1))).toEqual([{ ...lease, deadline: 2 * LATER }]);
    });

    test('is neither due nor cancelled', async () => {
      expect(await schedule.claim(2 * LATER, 10, 1_000, allShards(1))).toEqual([]);
      expect(await schedule.nextDue()).toBeUndefined();
      expect(await schedule.cancel('orders', 'a', 1)).toBe('absent');
    });

    test('ends with an ack, and its body goes', async () => {
      expect(await write(entry('a', 1, 1, ACKED, stranger))).toEqual(['ok']);
      expect(rows('schedule')).toEqual([]);
      expect(await write(entry('a', 1, 1, extended, stranger))).toEqual(['stale']);
    });

    test('becomes a retry in place, by which the receipt is stale', async () => {
      const change: Change = { state: 'retry', reason: 'lease expired', dueAt: 2 * LATER, expiresAt: 0 };
      expect(await write(entry('a', 1, 1, change, stranger))).toEqual(['ok']);
      expect(await write(entry('a', 1, 1, ACKED, stranger))).toEqual(['stale']);
      expect(await schedule.expiredLeases(LATER, 10, allShards(1))).toEqual([]);
      expect(await schedule.claim(2 * LATER, 10, 1_000, allShards(1))).toMatchObject([
        { message: { id: 'a', acceptedAt: 1 } },
      ]);
      expect(await take('a', 2)).toBe(2);
    });

    test('becomes a dead letter in place', async () => {
      expect(await write(entry('a', 1, 1, { state: 'dead', reason: 'rejected' }, stranger))).toEqual(['ok']);
      expect(rows('schedule')).toMatchObject([{ state: 'dead', reason: 'rejected', accepted_at: 10 }]);
      expect(await schedule.expiredLeases(LATER, 10, allShards(1))).toEqual([]);
    });
  });

  test('take and write wait for room on the disk, in order, and are rejected by stop alone', async () => {
    limitPages(store, pageCount(store));
    const large = message('orders', 'a', Buffer.alloc(100_000));
    const first = write(entry('a', 1, 1, { state: 'leased', deadline: LATER, expiresAt: 0, wire: large.wire }));
    await delay(20);
    expect(ledger.health()).toBe('the disk is full');
    const second = write(entry('a', 1, 1, ACKED));
    await expect(schedule.add([{ message: large, dueAt: 1 }])).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    limitPages(store, 1_000_000);
    expect(await Promise.all([first, second])).toEqual([['ok'], ['ok']]);
    expect(ledger.health()).toBeUndefined();

    limitPages(store, 1);
    const { wire } = message('orders', 'b', Buffer.alloc(1_000_000));
    const third = write(entry('b', 1, 2, { state: 'leased', deadline: LATER, expiresAt: 0, wire }));
    const rejected = expect(third).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    await delay(20);
    await ledger.stop();
    await rejected;
    await expect(take('c', 1)).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  });

  test('a topic that was first seen in a commit that failed is known rightly later', async () => {
    const foreign = { ...out('a', 1), topic: 'fresh' };
    const failing = store.write('LEDGER_UNAVAILABLE', () => {
      throw new Error('on purpose');
    });
    const taking = ledger.take([foreign]);
    await expect(failing).rejects.toThrow('on purpose');
    expect(await taking).toEqual([1]);
    expect(
      await ledger.take([
        { ...foreign, nonce: 2 },
        { ...out('a', 3), channel: 99 as ChannelId },
      ]),
    ).toEqual([2, 1]);
    expect(rows('topics').map(({ name }) => name)).toEqual(['fresh', 'orders']);
  });
});
