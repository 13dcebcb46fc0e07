import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { LocalClientLocks } from '../adapters/locks-local/client-locks.js';
import { BusError } from '../model/errors.js';
import type { LockKey } from '../model/lock.js';
import { systemClock } from '../ports/clock.js';
import { Limit } from './limit.js';
import { type AcquiredLock, LockDesk } from './lock-desk.js';

/** The store that two desks share, as two gateways do. */
class WatchedLocks extends LocalClientLocks {
  asked = 0;
  fault: BusError | undefined;

  override async acquire(name: string, ttlMs: number) {
    this.asked++;
    // The store is never as fast as the caller.
    await delay(1);
    if (this.fault !== undefined) throw this.fault;
    return super.acquire(name, ttlMs);
  }
}

const never = new AbortController().signal;

describe('the desk', () => {
  let locks: WatchedLocks;
  let waiting: Limit;
  let desk: LockDesk;

  beforeEach(() => {
    locks = new WatchedLocks();
    waiting = new Limit('calls that wait', 'MaxWaitingCalls', 1_000);
    desk = new LockDesk(locks, systemClock, waiting, locks);
  });

  const acquire = (at = desk, waitMs = 10_000, signal = never, ttlMs = 60_000) =>
    at.acquire('a', { ttlMs, until: Date.now() + waitMs, signal });
  const key = (lock: AcquiredLock | undefined): LockKey => lock ?? { name: 'a', secret: '' };

  test('asks the store for the first in line alone', async () => {
    const held = await acquire();
    const others = Array.from({ length: 100 }, () => acquire(desk, 200));
    await Promise.all(others);
    expect(locks.asked).toBeLessThan(30);
    expect(waiting.open).toBe(0);
    expect(await desk.release(key(held))).toBe(true);
  });

  test('hands a lock on at once when it is released here', async () => {
    const order: number[] = [];
    const began = performance.now();
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const lock = await acquire();
        order.push(n);
        await desk.release(key(lock));
      }),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
    // By polling alone, each would wait for 25 ms at the least.
    expect(performance.now() - began).toBeLessThan(400);
  });

  test('finds a lock that was released elsewhere, or that ran out', async () => {
    const other = new LockDesk(locks, systemClock, waiting, locks);
    const first = await acquire(other);
    const second = acquire(desk, 10_000, never, 100);
    await other.release(key(first));
    expect((await second)?.fence).toBeGreaterThan(first?.fence ?? 0);
    expect(await acquire(other)).toBeDefined();
  });

  test('a try does not overtake those who wait', async () => {
    const first = await acquire();
    const second = acquire();
    await desk.release(key(first));
    expect(await acquire(desk, 0)).toBeUndefined();
    expect(await second).toBeDefined();
  });

  test('releases what comes for a caller that went away', async () => {
    const abort = new AbortController();
    const gone = acquire(desk, 10_000, abort.signal);
    abort.abort();
    expect(await gone).toBeUndefined();
    const aborted = AbortSignal.abort();
    expect(await acquire(desk, 0, aborted)).toBeUndefined();
    expect(await acquire(desk, 1_000)).toBeDefined();
  });

  test('tells all who wait when the store is away', async () => {
    await acquire();
    const others = [acquire(), acquire()];
    locks.fault = new BusError('LOCKS_UNAVAILABLE', 'Redis is away');
    for (const other of others) await expect(other).rejects.toMatchObject({ reason: 'LOCKS_UNAVAILABLE' });
    locks.fault = undefined;
    expect(await acquire(desk, 10)).toBeUndefined();
  });

  test('refuses one waiter too many', async () => {
    const small = new LockDesk(locks, systemClock, new Limit('calls that wait', 'MaxWaitingCalls', 1), locks);
    await acquire(small);
    const first = acquire(small, 100);
    await expect(acquire(small)).rejects.toMatchObject({
      reason: 'OVERLOADED',
      limit: '1 calls that wait (config MaxWaitingCalls)',
    });
    expect(await first).toBeUndefined();
  });

  test('sends everybody away when it drains, and goes on renewing and releasing', async () => {
    const held = await acquire();
    const other = acquire();
    desk.drain();
    await expect(other).rejects.toMatchObject({ reason: 'DRAINING' });
    await expect(acquire(desk, 0)).rejects.toMatchObject({ reason: 'DRAINING' });
    expect(await desk.renew(key(held), 1_000)).toBeGreaterThan(Date.now());
    expect(await desk.release(key(held))).toBe(true);
    await expect(desk.renew(key(held), 1_000)).rejects.toMatchObject({ reason: 'LOCK_LOST' });
  });
});
