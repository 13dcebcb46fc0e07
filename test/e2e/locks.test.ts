import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { connect, LockLostError } from '@waybill/sdk';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { type HeldLock, LockClient } from '../support/lock-client.js';
import { startRedis } from '../support/services.js';
import { until } from '../support/until.js';

const NODES = { embedded: 1, cluster: 2 };

function clientOf({ rpcUrl }: Gateway): LockClient {
  const client = new LockClient(rpcUrl);
  onTestFinished(() => client.close());
  return client;
}

function held(lock: HeldLock | undefined): HeldLock {
  if (lock === undefined) throw new Error('the lock was not acquired');
  return lock;
}

describe.each(['embedded', 'cluster'] as const)('locks, %s', (engine: Engine) => {
  let group: GatewayGroup;
  let first: Gateway;
  /** Another gateway, where the engine has one. */
  let last: Gateway;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    first = await group.start();
    last = NODES[engine] > 1 ? await group.start() : first;
  });
  afterAll(() => group.remove());

  test('one of 200 racing clients has it at a time, each gets its turn, and fences grow', async () => {
    const name = randomUUID();
    const clients = [clientOf(first), clientOf(last)] as const;
    let holders = 0;
    const fences: number[] = [];
    const turns: number[] = [];
    const race = async (n: number) => {
      const turn = n % 2 === 0 ? 0 : 1;
      const { token, fence } = held(await clients[turn].acquire(name, 10_000, 60_000, 60_000));
      expect(++holders).toBe(1);
      fences.push(fence);
      turns.push(turn);
      await delay(1);
      holders--;
      expect(await clients[turn].release(token)).toBe(true);
    };
    await Promise.all(Array.from({ length: 200 }, (_, n) => race(n)));
    expect(fences).toHaveLength(200);
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
  });

  test('gateways take turns', async () => {
    const name = randomUUID();
    const clients = [clientOf(first), clientOf(last)] as const;
    const turns: number[] = [];
    const end = Date.now() + 3_000;
    const compete = async (turn: 0 | 1) => {
      while (Date.now() < end) {
        const { token } = held(await clients[turn].acquire(name, 10_000, 60_000, 60_000));
        turns.push(turn);
        await clients[turn].release(token);
      }
    };
    // Several at each, so that at both somebody waits at any time.
    await Promise.all([0, 0, 0, 1, 1, 1].map((turn) => compete(turn === 0 ? 0 : 1)));
    const changes = turns.filter((turn, n) => n > 0 && turn !== turns[n - 1]).length;
    expect(changes).toBeGreaterThanOrEqual(2);
  });

  test('a try that finds it held answers that it is', async () => {
    const [one, other] = [clientOf(first), clientOf(last)];
    const name = randomUUID();
    const { token, expireTimeMs } = held(await one.acquire(name, 60_000));
    expect(Math.abs(expireTimeMs - (Date.now() + 60_000))).toBeLessThan(5_000);
    expect(await other.acquire(name, 60_000)).toBeUndefined();
    expect(await other.acquire(name, 60_000, 100)).toBeUndefined();
    // The call's own deadline ends the wait, too.
    expect(await other.acquire(name, 60_000, 60_000, 1_000)).toBeUndefined();
    expect(await other.acquire(`${name}.other`, 60_000)).toBeDefined();
    await one.release(token);
  });

  test('it is free once its time is over, and its frozen holder is refused by its token', async () => {
    const [one, other] = [clientOf(first), clientOf(last)];
    const name = randomUUID();
    const frozen = held(await one.acquire(name, 200));
    const next = held(await other.acquire(name, 60_000, 10_000));
    expect(next.fence).toBeGreaterThan(frozen.fence);
    await expect(one.renew(frozen.token, 1_000)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('is lost'),
    });
    expect(await one.release(frozen.token)).toBe(false);
    expect(await one.acquire(name, 1_000)).toBeUndefined();
    expect(await other.release(next.token)).toBe(true);
  });

  test('another gateway renews and releases it', async () => {
    const [one, other] = [clientOf(first), clientOf(last)];
    const name = randomUUID();
    const { token, expireTimeMs } = held(await one.acquire(name, 1_000));
    const later = await other.renew(token, 60_000);
    expect(later).toBeGreaterThan(expireTimeMs);
    await delay(Math.max(0, expireTimeMs - Date.now()) + 50);
    expect(await one.acquire(name, 500)).toBeUndefined();
    expect(await other.release(token)).toBe(true);
    expect(await other.release(token)).toBe(false);
    expect(await one.acquire(name, 500)).toBeDefined();
  });

  test('who waits gets it soon after a release at any gateway, in order of arrival', async () => {
    const [one, other] = [clientOf(first), clientOf(last)];
    const name = randomUUID();
    const { token } = held(await one.acquire(name, 60_000));
    const order: number[] = [];
    const wait = async (n: number) => {
      const lock = held(await other.acquire(name, 60_000, 20_000));
      order.push(n);
      await other.release(lock.token);
    };
    const waiting: Promise<void>[] = [];
    for (let n = 0; n < 5; n++) {
      waiting.push(wait(n));
      await delay(30);
    }
    expect(order).toEqual([]);
    const released = performance.now();
    await one.release(token);
    await Promise.all(waiting);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(performance.now() - released).toBeLessThan(5_000);
  });

  test('a waiter that goes away leaves nothing locked', async () => {
    const [one, other] = [clientOf(first), clientOf(last)];
    const name = randomUUID();
    const { token } = held(await one.acquire(name, 60_000));
    const bus = await connect(first.rpcUrl);
    onTestFinished(() => bus.close());
    const abort = new AbortController();
    const gone = bus.lock(name, 60_000, { signal: abort.signal });
    await delay(50);
    const patient = other.acquire(name, 60_000, 20_000);
    await delay(50);
    abort.abort(new Error('enough'));
    await expect(gone).rejects.toThrow('enough');
    await one.release(token);
    expect(await patient).toBeDefined();
  });

  test.each([
    ['name', { name: '', ttl: 1_000, wait: 0 }],
    ['name', { name: 'a b', ttl: 1_000, wait: 0 }],
    ['name', { name: 'x'.repeat(129), ttl: 1_000, wait: 0 }],
    ['ttl_ms', { name: 'x', ttl: 99, wait: 0 }],
    ['ttl_ms', { name: 'x', ttl: 86_400_001, wait: 0 }],
    ['wait_ms', { name: 'x', ttl: 1_000, wait: -1 }],
    ['wait_ms', { name: 'x', ttl: 1_000, wait: 3_600_001 }],
  ])('a wrong %s is refused: %j', async (field, { name, ttl, wait }) => {
    await expect(clientOf(first).acquire(name, ttl, wait)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining(field),
    });
  });

  test.each(['', 'abc', `${randomUUID()}.`, `${randomUUID()}.a b`])('"%s" is no token', async (token) => {
    const client = clientOf(first);
    const refused = { code: status.INVALID_ARGUMENT, details: expect.stringContaining('token') };
    await expect(client.renew(token, 1_000)).rejects.toMatchObject(refused);
    await expect(client.release(token)).rejects.toMatchObject(refused);
  });

  test('withLock of the SDK keeps it past its ttl, and another process gets it then', async () => {
    const [bus, other] = [await connect(first.rpcUrl), await connect(last.rpcUrl)];
    onTestFinished(async () => {
      await Promise.all([bus.close(), other.close()]);
    });
    const name = randomUUID();
    const log: string[] = [];
    const before = bus.withLock(name, 300, async ({ fence, signal }) => {
      log.push('first begins');
      await delay(1_000);
      log.push(`first ends, ${signal.aborted ? 'lost' : 'held'}`);
      return fence;
    });
    await until(async () => expect(log).toHaveLength(1), 5_000);
    const after = await other.withLock(name, 300, ({ fence }) => {
      log.push('second');
      return fence;
    });
    expect(after).toBeGreaterThan(await before);
    expect(log).toEqual(['first begins', 'first ends, held', 'second']);
  });
});

test('a gateway that stops sends waiters away at once, and locks go on at the others', async () => {
  const group = await gatewayGroup('cluster');
  const [one, other] = [await group.start(), await group.start()];
  const name = randomUUID();
  const { token } = held(await clientOf(one).acquire(name, 60_000));
  const waiting = expect(clientOf(one).acquire(name, 60_000, 20_000)).rejects.toMatchObject({
    code: status.UNAVAILABLE,
  });
  await delay(200);
  const began = performance.now();
  await one.stop();
  await waiting;
  expect(performance.now() - began).toBeLessThan(8_000);
  expect(await clientOf(other).release(token)).toBe(true);
});

test('while Redis is away every call is UNAVAILABLE, a holder learns that it lost, and then all goes on', async () => {
  const redis = await startRedis();
  const group = await gatewayGroup('cluster', { redis: redis.url });
  const gateway = await group.start();
  const client = clientOf(gateway);
  const bus = await connect(gateway.rpcUrl);
  onTestFinished(() => bus.close({ timeout: 100 }));
  const name = randomUUID();
  const lock = await bus.lock(name, 2_000);
  const { token } = held(await client.acquire(`${name}.other`, 60_000));
  await redis.stop();
  const away = { code: status.UNAVAILABLE, details: expect.stringContaining('Redis') };
  await expect(client.acquire('x', 1_000)).rejects.toMatchObject(away);
  await expect(client.acquire('x', 1_000, 5_000)).rejects.toMatchObject(away);
  await expect(client.renew(token, 1_000)).rejects.toMatchObject(away);
  await expect(client.release(token)).rejects.toMatchObject(away);
  await until(async () => expect(lock.signal.aborted).toBe(true), 10_000);
  expect(lock.signal.reason).toBeInstanceOf(LockLostError);
  await redis.start();
  const again = await until(async () => held(await client.acquire(name, 60_000)), 15_000);
  expect(again.fence).toBeGreaterThan(lock.fence);
  // This Redis keeps nothing over a restart.
  await expect(client.renew(token, 1_000)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
});
