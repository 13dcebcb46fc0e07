import { expect, test } from 'vitest';
import { LocalClientLocks } from './client-locks.js';

function locksAt(time: number) {
  const clock = { time, now: () => clock.time, steady: () => clock.time };
  return { clock, locks: new LocalClientLocks(clock) };
}

const STRANGER = { name: 'a', secret: '' };

test('one holder a name, until it releases', async () => {
  const { locks } = locksAt(1_000);
  const held = await locks.acquire('a', 100);
  expect(await locks.acquire('a', 100)).toBeUndefined();
  expect(await locks.acquire('b', 100)).toBeDefined();
  expect(await locks.release(STRANGER)).toBe(false);
  expect(await locks.release(held ?? STRANGER)).toBe(true);
  expect(await locks.release(held ?? STRANGER)).toBe(false);
  expect(await locks.acquire('a', 100)).toBeDefined();
});

test('a lock that ran out is lost to its holder, also while nobody else has it, and the next one has a higher fence', async () => {
  const { clock, locks } = locksAt(1_000);
  const first = (await locks.acquire('a', 100)) ?? { ...STRANGER, fence: Number.POSITIVE_INFINITY };
  clock.time += 99;
  expect(await locks.renew(first, 200)).toBe(true);
  clock.time += 199;
  expect(await locks.acquire('a', 100)).toBeUndefined();
  clock.time += 1;
  expect(await locks.renew(first, 100)).toBe(false);
  const second = await locks.acquire('a', 100);
  expect(second?.fence).toBeGreaterThan(first.fence);
  expect(await locks.renew(first, 100)).toBe(false);
  expect(await locks.release(first)).toBe(false);
  expect(await locks.acquire('a', 100)).toBeUndefined();
});

test('fences grow over a restart', async () => {
  const before = await locksAt(1_000).locks.acquire('a', 100);
  const after = await locksAt(1_001).locks.acquire('a', 100);
  expect(after?.fence).toBeGreaterThan(before?.fence ?? Number.POSITIVE_INFINITY);
});

test('locks that ran out and were never released are forgotten', async () => {
  const { clock, locks } = locksAt(1_000);
  for (let n = 0; n < 20_000; n++) {
    await locks.acquire(`job-${n}`, 100);
    clock.time++;
  }
  expect(locks.size).toBeLessThan(1_100);
});
