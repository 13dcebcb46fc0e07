import { expect, test, vi } from 'vitest';
import { LocalLocks } from '../adapters/locks-local/locks.js';
import { SetClock } from '../fixture/clock.js';
import type { Lock, Locks } from '../ports/locks.js';
import { LockPermit } from './permit.js';

/** Counts what is asked of a real store. */
class CountedLocks extends LocalLocks {
  acquired = 0;
  renewed = 0;

  override async acquire(name: string, ttlMs: number): Promise<Lock | undefined> {
    this.acquired++;
    const lock = await super.acquire(name, ttlMs);
    if (lock === undefined) return undefined;
    return {
      ...lock,
      renew: () => {
        this.renewed++;
        return lock.renew();
      },
    };
  }
}

const permit = (locks: Locks, lockMs = 60_000) => new LockPermit('prune', locks, lockMs);

test('one gateway at a time has the permit', async () => {
  const locks = new LocalLocks();
  const [one, two] = [permit(locks), permit(locks)];
  expect(await one.granted()).toBe(true);
  expect(await two.granted()).toBe(false);
  expect(await one.granted()).toBe(true);
  await one.release();
  expect(await two.granted()).toBe(true);
  expect(await one.granted()).toBe(false);
});

test('the lock is renewed after a third of its time, and not before', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const locks = new CountedLocks();
    const made = permit(locks, 300);
    await made.granted();
    vi.advanceTimersByTime(99);
    await made.granted();
    expect([locks.acquired, locks.renewed]).toEqual([1, 0]);
    vi.advanceTimersByTime(1);
    expect(await made.granted()).toBe(true);
    expect([locks.acquired, locks.renewed]).toEqual([1, 1]);
    vi.advanceTimersByTime(99);
    await made.granted();
    expect(locks.renewed).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test('a lock that was lost is asked for anew', async () => {
  const clock = new SetClock();
  const locks = new LocalLocks(clock);
  const made = permit(locks, 0);
  expect(await made.granted()).toBe(true);
  const other = await locks.acquire('worker:prune', 60_000);
  expect(await made.granted()).toBe(false);
  expect(await made.granted()).toBe(false);
  await other?.release();
  expect(await made.granted()).toBe(true);
});

test('a permit that was never granted can be given back', async () => {
  const locks = new LocalLocks();
  const made = permit(locks);
  await made.release();
  expect(await made.granted()).toBe(true);
  await made.release();
  await made.release();
  expect(await locks.acquire('worker:prune', 1_000)).toBeDefined();
});
