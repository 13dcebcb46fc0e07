import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { allShards } from '../../fixture/shards.js';
import type { Due } from '../../ports/schedule.js';
import { Fixture, message } from '../sqlite/fixture.js';
import type { Store } from '../sqlite/store.js';
import { SqliteSchedule } from './schedule.js';

const NOW = 1_700_000_000_000;
const CLAIM = 1_000;

describe('the SQLite schedule', () => {
  let fixture: Fixture;
  let store: Store;
  let schedule: SqliteSchedule;

  beforeEach(() => {
    fixture = new Fixture();
    fixture.clock.time = NOW;
    onTestFinished(() => fixture.remove());
    open();
  });

  function open(): void {
    store = fixture.open();
    schedule = new SqliteSchedule(store);
  }

  const delayed = (id: string, dueAt: number, topic = 'orders') =>
    schedule.add([{ message: message(topic, id), dueAt }]);
  const park = (id: string, acceptedAt = 1, topic = 'orders') =>
    schedule.add([{ message: message(topic, id, Buffer.from('body'), acceptedAt), dueAt: undefined }]);
  const claim = (now = NOW, limit = 10, fence = 1) => schedule.claim(now, limit, CLAIM, allShards(fence));
  const settle = (due: readonly Due[], how: 'published' | 'parked' | 'expired') =>
    schedule.settle(
      due.map((one) => ({ due: one, how })),
      NOW,
    );
  const ids = (due: readonly Due[]) => due.map(({ message: { id } }) => id);
  const deliveries = () =>
    store.read('LEDGER_UNAVAILABLE', () =>
      store.prepare<Record<string, unknown>>('SELECT channel_id, message_id, state, settled_at FROM deliveries').all(),
    );

  test('adds an id once on its topic', async () => {
    const one = { message: message('orders', 'a'), dueAt: NOW };
    const other = { message: message('invoices', 'a'), dueAt: NOW };
    expect(await schedule.add([one, one, other])).toEqual([true, false, true]);
    await claim();
    expect(await delayed('a', NOW)).toEqual([false]);
  });

  test('claims what is due, oldest first, and never early', async () => {
    await delayed('c', NOW);
    await delayed('d', NOW + 1);
    await delayed('a', NOW - 2);
    await delayed('b', NOW - 1);
    expect(ids(await claim(NOW, 2))).toEqual(['a', 'b']);
    const [third, ...more] = await claim();
    expect(more).toEqual([]);
    expect(third).toMatchObject({ channel: undefined, dueAt: NOW, message: message('orders', 'c') });
    expect(ids(await claim(NOW + 1))).toEqual(['d']);
  });

  test('a claim that ran out may be claimed again, and the first one settles nothing any more', async () => {
    await delayed('a', NOW);
    const first = await claim();
    expect(await claim(NOW + CLAIM - 1)).toEqual([]);
    expect(await schedule.nextDue()).toBe(NOW + CLAIM);
    const second = await claim(NOW + CLAIM);
    expect(ids(second)).toEqual(['a']);
    await settle(first, 'published');
    expect(await schedule.nextDue()).toBe(NOW + 2 * CLAIM);
    await settle(second, 'published');
    await settle(second, 'published');
    expect(await schedule.nextDue()).toBeUndefined();
    expect(await claim(NOW + 10 * CLAIM)).toEqual([]);
  });

  test('a claim outlives its process', async () => {
    await delayed('a', NOW);
    const before = await claim();
    await store.stop();
    open();
    expect(await claim()).toEqual([]);
    const after = await claim(NOW + CLAIM);
    expect(ids(after)).toEqual(['a']);
    expect(after[0]?.claim).not.toBe(before[0]?.claim);
  });

  test('a token lower than one seen before claims nothing', async () => {
    await delayed('a', NOW);
    expect(await claim(NOW - 1, 10, 5)).toEqual([]);
    expect(await claim(NOW, 10, 4)).toEqual([]);
    expect(ids(await claim(NOW, 10, 5))).toEqual(['a']);
  });

  test('tokens of an earlier process are void', async () => {
    await claim(NOW, 10, 1_000);
    await store.stop();
    open();
    await delayed('a', NOW);
    expect(ids(await claim(NOW, 10, 1))).toEqual(['a']);
  });

  test('parked messages are claimed by topic, in order of acceptance', async () => {
    await park('b', 2);
    await park('a', 1);
    await park('c', 2);
    await park('x', 1, 'invoices');
    expect(await claim(NOW + 1e9)).toEqual([]);
    expect(await schedule.nextDue()).toBeUndefined();
    expect((await schedule.parkedTopics(10)).sort()).toEqual(['invoices', 'orders']);
    expect(await schedule.parkedTopics(1)).toHaveLength(1);
    const due = await schedule.claimParked('orders', NOW, 10, CLAIM);
    expect(ids(due)).toEqual(['a', 'b', 'c']);
    expect(due[0]).toMatchObject({ dueAt: 0, channel: undefined });
    expect(await schedule.parkedTopics(10)).toEqual(['invoices']);
    expect(await schedule.claimParked('orders', NOW, 10, CLAIM)).toEqual([]);
    expect(await schedule.claimParked('nowhere', NOW, 10, CLAIM)).toEqual([]);
    await settle(due, 'published');
    expect(await schedule.claimParked('orders', NOW + CLAIM, 10, CLAIM)).toEqual([]);
  });

  test('a claim of parked messages that ran out may be made again', async () => {
    await park('a');
    await schedule.claimParked('orders', NOW, 10, CLAIM);
    fixture.clock.time = NOW + CLAIM;
    expect(await schedule.parkedTopics(10)).toEqual(['orders']);
    expect(ids(await schedule.claimParked('orders', NOW + CLAIM, 10, CLAIM))).toEqual(['a']);
  });

  test('what no channel wanted is parked until one does', async () => {
    await delayed('a', NOW);
    await settle(await claim(), 'parked');
    expect(await claim(NOW + 10 * CLAIM)).toEqual([]);
    const due = await schedule.claimParked('orders', NOW, 10, CLAIM);
    expect(due).toMatchObject([{ dueAt: 0, message: { id: 'a' } }]);
    await settle(due, 'parked');
    expect(ids(await schedule.claimParked('orders', NOW, 10, CLAIM))).toEqual(['a']);
  });

  test('what expired in the wait is recorded on its topic', async () => {
    await delayed('a', NOW);
    await settle(await claim(), 'expired');
    expect(deliveries()).toMatchObject([{ channel_id: 0, message_id: 'a', state: 'expired', settled_at: NOW }]);
    expect(await schedule.nextDue()).toBeUndefined();
  });

  test('cancels what waits and records it; exactly one of cancel and delivery wins', async () => {
    await delayed('a', NOW + 1);
    await delayed('b', NOW);
    await park('c');
    const [b] = await claim();
    expect(await schedule.cancel('orders', 'a', NOW)).toBe('changed');
    expect(await schedule.cancel('orders', 'b', NOW)).toBe('claimed');
    expect(await schedule.cancel('orders', 'c', NOW)).toBe('changed');
    expect(await schedule.cancel('orders', 'a', NOW)).toBe('absent');
    expect(await schedule.cancel('nowhere', 'a', NOW)).toBe('absent');
    if (b !== undefined) await settle([b], 'published');
    expect(await schedule.cancel('orders', 'b', NOW)).toBe('absent');
    expect(await claim(NOW + 10 * CLAIM)).toEqual([]);
    expect(deliveries()).toMatchObject([
      { channel_id: 0, message_id: 'a', state: 'cancelled' },
      { channel_id: 0, message_id: 'c', state: 'cancelled' },
    ]);
  });

  test('a cancelled id may be scheduled again', async () => {
    await delayed('a', NOW);
    await schedule.cancel('orders', 'a', NOW);
    expect(await delayed('a', NOW)).toEqual([true]);
  });

  test('gives a delayed message another time', async () => {
    await delayed('a', NOW);
    await park('b');
    expect(await schedule.reschedule('orders', 'a', NOW + 5)).toBe('changed');
    expect(await schedule.reschedule('orders', 'b', NOW + 5)).toBe('absent');
    expect(await schedule.nextDue()).toBe(NOW + 5);
    expect(await claim(NOW + 4)).toEqual([]);
    await claim(NOW + 5);
    expect(await schedule.reschedule('orders', 'a', NOW + 9)).toBe('claimed');
  });

  test('prunes final records that are old, up to a limit', async () => {
    for (const id of ['a', 'b', 'c']) await delayed(id, NOW);
    await schedule.cancel('orders', 'a', 10);
    await schedule.cancel('orders', 'b', 11);
    await schedule.cancel('orders', 'c', 12);
    expect(await schedule.prune(12, 1)).toBe(1);
    expect(await schedule.prune(12, 10)).toBe(1);
    expect(await schedule.prune(12, 10)).toBe(0);
    expect(deliveries()).toMatchObject([{ message_id: 'c' }]);
  });

  test('rejects when the store is closed', async () => {
    await store.stop();
    await expect(delayed('a', NOW)).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    await expect(claim()).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    await expect(schedule.nextDue()).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  });
});
