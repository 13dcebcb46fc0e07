import { existsSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Fixture, limitPages, message, pageCount } from './fixture.js';
import { pidFile } from './open.js';
import type { Store } from './store.js';

describe('the store', () => {
  let fixture: Fixture;
  let store: Store;

  beforeEach(() => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
    store = fixture.open();
  });

  const add = (name: string) =>
    store.write('LEDGER_UNAVAILABLE', () => store.prepare('INSERT INTO topics (name) VALUES (?)').run(name));
  const names = () =>
    store.read('LEDGER_UNAVAILABLE', () =>
      store
        .prepare<{ name: string }>('SELECT name FROM topics ORDER BY id')
        .all()
        .map(({ name }) => name),
    );

  test('makes the folder of its file', () => {
    expect(existsSync(fixture.file)).toBe(true);
  });

  test('syncs every commit of a write-ahead log', () => {
    const setting = (name: string) => store.prepare<Record<string, unknown>>(`PRAGMA ${name}`).get()?.[name];
    expect(setting('journal_mode')).toBe('wal');
    expect(setting('synchronous')).toBe(2);
    expect(setting('locking_mode')).toBe('exclusive');
  });

  test('runs what was written in one tick in order and in one transaction', async () => {
    const transactions = new Set<number>();
    const version = store.prepare<{ data_version: number }>('PRAGMA data_version');
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        store.write('LEDGER_UNAVAILABLE', () => {
          transactions.add(version.get()?.data_version ?? 0);
          store.prepare('INSERT INTO topics (name) VALUES (?)').run(name);
        }),
      ),
    );
    expect(transactions.size).toBe(1);
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  test('shows to a read only what is committed', async () => {
    const adding = add('a');
    expect(names()).toEqual([]);
    await adding;
    expect(names()).toEqual(['a']);
  });

  test('lets an operation fail alone, and tells who remembers what was undone', async () => {
    const forget = vi.fn();
    store.onRollback(forget);
    const results = await Promise.allSettled([add('a'), add('a'), add('b')]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { message: expect.stringContaining('UNIQUE') } });
    expect(names()).toEqual(['a', 'b']);
    expect(forget).toHaveBeenCalled();
    expect(store.health()).toBeUndefined();
  });

  test('on a full disk rejects with the reason of the caller, says so, and works again when there is room', async () => {
    limitPages(store, pageCount(store));
    const { wire } = message('t', 'id', Buffer.alloc(100_000));
    const insert = store.prepare('INSERT INTO frames (topic, body, verify) VALUES (?, ?, 0)');
    const large = () => store.write('BROKER_UNAVAILABLE', () => insert.run('t', wire));
    await expect(large()).rejects.toMatchObject({
      reason: 'BROKER_UNAVAILABLE',
      message: 'the disk is full',
      retryable: true,
    });
    expect(store.health()).toBe('the disk is full');
    limitPages(store, 1_000_000);
    await large();
    expect(store.health()).toBeUndefined();
  });

  test('finds out by itself that the disk has room again', async () => {
    limitPages(store, pageCount(store));
    const insert = store.prepare('INSERT INTO frames (topic, body, verify) VALUES (?, ?, 0)');
    await expect(store.write('BROKER_UNAVAILABLE', () => insert.run('t', Buffer.alloc(100_000)))).rejects.toThrow();
    await vi.waitUntil(() => store.health() === undefined, { timeout: 5_000 });
  });

  test('commits what is queued when it stops, and nothing after', async () => {
    const adding = add('a');
    await store.stop();
    await store.stop();
    await adding;
    await expect(add('b')).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    expect(() => names()).toThrow('closed');
    expect(store.health()).toBe('the data file is closed');
    store = fixture.open();
    expect(names()).toEqual(['a']);
  });

  test('refuses a second opener, and names the process that has the file', async () => {
    expect(() => fixture.open()).toThrow(`is in use by another gateway (pid ${process.pid})`);
    await add('a');
    expect(names()).toEqual(['a']);
  });

  test('opens a file whose last holder left its pid behind', async () => {
    await add('a');
    await store.stop();
    writeFileSync(pidFile(fixture.file), '1\n');
    store = fixture.open();
    expect(names()).toEqual(['a']);
  });
});
