import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Fixture, limitPages, pageCount } from '../sqlite/fixture.js';
import type { Store } from '../sqlite/store.js';
import { SqliteDedupe } from './dedupe.js';

describe('the SQLite dedupe window', () => {
  let fixture: Fixture;
  let store: Store;
  let dedupe: SqliteDedupe;

  beforeEach(() => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
    store = fixture.open();
    dedupe = new SqliteDedupe(store, { windowSeconds: 60 });
  });

  async function reopen(): Promise<void> {
    await store.stop();
    store = fixture.open();
    dedupe = new SqliteDedupe(store, { windowSeconds: 60 });
  }

  function rows(): number {
    const count = store.prepare<{ count: number }>('SELECT count(*) AS count FROM dedupe');
    return store.read('LEDGER_UNAVAILABLE', () => count.get()?.count ?? 0);
  }

  /** Everything that was written before is committed. */
  const committed = () => store.write('LEDGER_UNAVAILABLE', () => {});
  const batch = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => `018f0000-${(from + i).toString(16).padStart(4, '0')}`);

  test('an id is new, then unsure, then accepted', async () => {
    expect(await dedupe.begin('t', ['order-1'])).toEqual(['new']);
    expect(await dedupe.begin('t', ['order-1', 'order-2'])).toEqual(['unsure', 'new']);
    dedupe.accepted('t', ['order-1']);
    expect(await dedupe.begin('t', ['order-1', 'order-2'])).toEqual(['accepted', 'unsure']);
    expect(await dedupe.begin('u', ['order-1'])).toEqual(['new']);
  });

  test('knows it after a restart', async () => {
    await dedupe.begin('t', ['order-1', 'order-2']);
    dedupe.accepted('t', ['order-2']);
    await reopen();
    expect(await dedupe.begin('t', ['order-1', 'order-2', 'order-3'])).toEqual(['unsure', 'accepted', 'new']);
  });

  test('its mark commits before what is written next', async () => {
    void dedupe.begin('t', ['a']);
    expect(await store.write('BROKER_UNAVAILABLE', rows)).toBe(1);
  });

  test('a batch takes one row, and each of its ids is known by itself', async () => {
    const ids = batch(32);
    await dedupe.begin('t', ids);
    dedupe.accepted('t', ids);
    await committed();
    expect(rows()).toBe(1);
    const known = await dedupe.begin('t', [...ids.slice(5, 6), ...batch(2, 31)]);
    expect(known).toEqual(['accepted', 'accepted', 'new']);
  });

  test('a batch of which a part was accepted is unsure about the rest', async () => {
    const ids = batch(10);
    await dedupe.begin('t', ids);
    dedupe.accepted('t', [...ids.slice(0, 3), ...ids.slice(7)]);
    await reopen();
    const [sure, unsure] = ['accepted', 'unsure'];
    expect(await dedupe.begin('t', ids)).toEqual([
      ...[sure, sure, sure],
      ...[unsure, unsure, unsure, unsure],
      ...[sure, sure, sure],
    ]);
  });

  test('a batch of a thousand is known as a whole', async () => {
    const ids = batch(1_000, 0x1f0);
    await dedupe.begin('t', ids);
    dedupe.accepted('t', ids);
    await committed();
    expect(rows()).toBeLessThan(6);
    expect(new Set(await dedupe.begin('t', ids))).toEqual(new Set(['accepted']));
    expect(await dedupe.begin('t', batch(1, 0x1ef))).toEqual(['new']);
  });

  test('forgets an id when the window has passed', async () => {
    await dedupe.begin('t', ['a', 'b']);
    dedupe.accepted('t', ['a']);
    await committed();
    fixture.clock.time += 59_999;
    expect(await dedupe.begin('t', ['a'])).toEqual(['accepted']);
    fixture.clock.time += 1;
    expect(await dedupe.begin('t', ['a', 'b'])).toEqual(['new', 'new']);
  });

  test('a window of 0 remembers nothing', async () => {
    const none = new SqliteDedupe(store, { windowSeconds: 0 });
    await none.begin('t', ['a']);
    none.accepted('t', ['a']);
    await committed();
    expect(await none.begin('t', ['a'])).toEqual(['new']);
    expect(rows()).toBe(0);
  });

  test('removes old marks as new ones are made', async () => {
    for (let i = 0; i < 400; i++) await dedupe.begin('t', [`old-${i}-`]);
    await committed();
    fixture.clock.time += 60_000;
    for (let i = 0; i < 600; i++) await dedupe.begin('t', [`new-${i}-`]);
    await committed();
    expect(rows()).toBe(600);
    expect(await dedupe.forget(fixture.clock.time, 100)).toBe(100);
    expect(rows()).toBe(500);
  });

  test('is unsure of everything while the store is at fault', async () => {
    limitPages(store, pageCount(store));
    const insert = store.prepare('INSERT INTO frames (topic, body, verify) VALUES (?, ?, 0)');
    await expect(store.write('BROKER_UNAVAILABLE', () => insert.run('t', Buffer.alloc(50_000)))).rejects.toThrow();
    expect(await dedupe.begin('t', ['a'])).toEqual(['unsure']);
    await store.stop();
    expect(await dedupe.begin('t', ['a'])).toEqual(['unsure']);
    expect(() => dedupe.accepted('t', ['a'])).not.toThrow();
  });
});
