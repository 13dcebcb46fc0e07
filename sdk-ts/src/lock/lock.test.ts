import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { InvalidArgumentError, LockHeldError, LockLostError, UnavailableError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';

let gateway: TestingGateway;
let bus: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url, deadline: 5_000 });
});

afterEach(async () => {
  await bus.close({ timeout: 100 });
  gateway.stop();
});

const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason));
  });

describe('withLock', () => {
  it('runs the function under the lock, with its fence, and releases it', async () => {
    const result = await bus.withLock('report', '10s', ({ fence, signal }) => {
      expect(gateway.locks.held.has('report')).toBe(true);
      expect(signal.aborted).toBe(false);
      return fence;
    });
    expect(result).toBe(1);
    expect(gateway.locks.held.has('report')).toBe(false);
    expect(await bus.withLock('report', '10s', ({ fence }) => fence)).toBe(2);
  });

  it('releases it when the function throws, and rejects with what it threw', async () => {
    const failing = bus.withLock('report', '10s', () => {
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(gateway.locks.held.has('report')).toBe(false);
  });

  it('runs one function at a time, whoever calls', async () => {
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await delay(2);
      running--;
    };
    await Promise.all(Array.from({ length: 10 }, () => bus.withLock('report', '10s', work)));
    expect(most).toBe(1);
  });

  it('renews the lock for as long as the function runs', async () => {
    await bus.withLock('report', 600, async () => {
      await gateway.until(() => gateway.locks.calls.filter((call) => call === 'renew').length >= 6);
    });
    expect(gateway.locks.calls.at(-1)).toBe('release');
  });

  it('aborts the signal and rejects with LockLostError when the lock is lost', async () => {
    let reason: unknown;
    const losing = bus.withLock('report', 150, async ({ signal }) => {
      gateway.locks.held.delete('report');
      reason = await aborted(signal);
    });
    await expect(losing).rejects.toThrow(LockLostError);
    expect(reason).toMatchObject({ name: 'LockLostError', reason: 'LOCK_LOST' });
  });

  it('does not run the function when it has no lock', async () => {
    const first = await bus.lock('report', '10s');
    let ran = false;
    const second = bus.withLock('report', '10s', () => (ran = true), { wait: 20 });
    await expect(second).rejects.toMatchObject({ name: 'LockHeldError', retryable: true });
    expect(ran).toBe(false);
    await first.release();
  });
});

describe('a lock', () => {
  it('is waited for, once, or not at all', async () => {
    const first = await bus.lock('report', '10s');
    await expect(bus.lock('report', '10s', { wait: 0 })).rejects.toThrow(LockHeldError);
    const second = bus.lock('report', '10s');
    await first.release();
    expect((await second).fence).toBeGreaterThan(first.fence);
  });

  it('is not waited for any more once the signal aborts', async () => {
    await bus.lock('report', '10s');
    const abort = new AbortController();
    const waiting = bus.lock('report', '10s', { signal: abort.signal });
    await gateway.until(() => gateway.locks.calls.length === 2);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('is waited for by another gateway when the one that was asked goes away', async () => {
    const first = await bus.lock('report', '10s');
    const waiting = bus.lock('report', '10s');
    await gateway.until(() => gateway.locks.calls.length === 2);
    gateway.cut();
    await gateway.start();
    await first.release();
    expect((await waiting).fence).toBeGreaterThan(first.fence);
  });

  it('outlives a store that is away for a part of its ttl', async () => {
    const lock = await bus.lock('report', 600);
    gateway.locks.away = true;
    await delay(300);
    gateway.locks.away = false;
    await gateway.until(() => gateway.locks.calls.includes('renew'));
    expect(lock.signal.aborted).toBe(false);
  });

  it('is lost when nobody renews it in time', async () => {
    const lock = await bus.lock('report', 150);
    gateway.locks.away = true;
    const reason = await aborted(lock.signal);
    expect(reason).toBeInstanceOf(LockLostError);
    await lock.release();
    expect(gateway.locks.calls).not.toContain('release');
  });

  it('can not be had while the store is away', async () => {
    gateway.locks.away = true;
    const failing = bus.lock('report', '10s', { wait: 0 });
    await expect(failing).rejects.toThrow(UnavailableError);
    await expect(failing).rejects.toMatchObject({ reason: 'LOCKS_UNAVAILABLE' });
  });

  it('is released when the bus closes', async () => {
    await bus.lock('report', '10s');
    await bus.close();
    expect(gateway.locks.held.size).toBe(0);
  });

  it.each([
    ['ttl', () => bus.lock('report', 99)],
    ['ttl', () => bus.lock('report', '25h')],
    ['wait', () => bus.lock('report', '1s', { wait: '2h' })],
  ])('%s out of range is refused here', async (field, call) => {
    await expect(call()).rejects.toThrow(InvalidArgumentError);
    await expect(call()).rejects.toMatchObject({ field });
    expect(gateway.locks.calls).toEqual([]);
  });
});
