import { expect, test } from 'vitest';
import { LocalLocks } from './locks.js';

function locksAt(time: number) {
  const clock = { time, now: () => clock.time, steady: () => clock.time };
  return { clock, locks: new LocalLocks(clock) };
}

test('one holder a name', async () => {
  const { locks } = locksAt(1_000);
  const lock = await locks.acquire('a', 100);
  expect(await locks.acquire('a', 100)).toBeUndefined();
  expect(await locks.acquire('b', 100)).toBeDefined();
  await lock?.release();
  expect(await locks.acquire('a', 100)).toBeDefined();
});

test('a lock that ran out goes to another, with a higher token, and cannot be renewed or released by the first', async () => {
  const { clock, locks } = locksAt(1_000);
  const first = await locks.acquire('a', 100);
  clock.time += 100;
  const second = await locks.acquire('a', 100);
  expect(second?.fence).toBeGreaterThan(first?.fence ?? Number.POSITIVE_INFINITY);
  expect(await first?.renew()).toBe(false);
  await first?.release();
  expect(await locks.acquire('a', 100)).toBeUndefined();
});

test('a renewed lock is held for its time from then on', async () => {
  const { clock, locks } = locksAt(1_000);
  const lock = await locks.acquire('a', 100);
  clock.time += 99;
  expect(await lock?.renew()).toBe(true);
  clock.time += 99;
  expect(await locks.acquire('a', 100)).toBeUndefined();
  clock.time += 1;
  expect(await lock?.renew()).toBe(false);
});

test('tokens grow over a restart', async () => {
  const before = await locksAt(1_000).locks.acquire('a', 100);
  const after = await locksAt(1_001).locks.acquire('a', 100);
  expect(after?.fence).toBeGreaterThan(before?.fence ?? Number.POSITIVE_INFINITY);
});
