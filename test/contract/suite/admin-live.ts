import { createHash } from 'node:crypto';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LockClient } from '../../support/lock-client.js';
import { until } from '../../support/until.js';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;
const MINUTE_MS = 60_000;
const FOLLOW_MS = 8_000;

export function adminLive(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2 });
  const admin = useAdmin(bus);
  let locks: readonly LockClient[] = [];

  beforeAll(() => {
    locks = Array.from({ length: bus.nodes }, (_, node) => new LockClient(bus.gateway(node).rpcUrl));
  });
  afterAll(() => {
    for (const client of locks) client.close();
  });

  const lockClient = (node = 0) => {
    const client = locks[node % locks.length];
    if (client === undefined) throw new Error('the bus has no gateway');
    return client;
  };
  const listed = async (prefix: string, pageSize = 100) => {
    const found = [];
    let pageToken = '';
    do {
      const page = await admin(1).call(method.listLocks, { prefix, pageSize, pageToken });
      found.push(...page.locks);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return found;
  };

  describe('locks', () => {
    test('a lock is listed while it is held, with who has it, until when, and no token', async () => {
      const name = bus.topic('lock');
      const before = Date.now();
      const lock = await lockClient().acquire(name, MINUTE_MS);
      const [found] = await listedSoon(name);
      expect(found).toMatchObject({ name, fence: BigInt(lock?.fence ?? 0) });
      expect(found?.holder).toMatch(/127\.0\.0\.1/);
      expect(found?.node).not.toBe('');
      expect(Number(found?.sinceTimeMs)).toBeGreaterThanOrEqual(before - 1_000);
      expect(Math.abs(Number(found?.expireTimeMs) - (lock?.expireTimeMs ?? 0))).toBeLessThan(5_000);
      const hash = createHash('sha256')
        .update(lock?.token ?? '')
        .digest('hex');
      expect(found?.tokenHash).toBe(hash.slice(0, 12));
      await lockClient(1).renew(lock?.token ?? '', 10 * MINUTE_MS);
      await until(async () => {
        expect(Number((await listed(name))[0]?.expireTimeMs)).toBeGreaterThan(before + 5 * MINUTE_MS);
      }, FOLLOW_MS);
      await lockClient(1).release(lock?.token ?? '');
      expect(await listed(name)).toEqual([]);
    });

    test('locks are listed by name, page by page', async () => {
      const prefix = bus.topic('many');
      const held = await Promise.all(
        ['b', 'c', 'a'].map((name) => lockClient().acquire(`${prefix}.${name}`, MINUTE_MS)),
      );
      await until(async () => {
        const names = (await listed(prefix, 2)).map(({ name }) => name.slice(prefix.length + 1));
        expect(names).toEqual(['a', 'b', 'c']);
      }, FOLLOW_MS);
      await Promise.all(held.map((lock) => lockClient().release(lock?.token ?? '')));
    });

    test('a lock that ran out is not listed', async () => {
      const name = bus.topic('brief');
      await lockClient().acquire(name, 200);
      await until(async () => expect(await listed(name)).toEqual([]), FOLLOW_MS);
    });

    test('an operator ends a lock, on record: the next one gets it, and its holder has lost it', async () => {
      const name = bus.topic('broken');
      const first = await lockClient().acquire(name, 10 * MINUTE_MS);
      const second = lockClient(1).acquire(name, MINUTE_MS, MINUTE_MS);
      await admin().call(method.releaseLock, { name });
      const next = await second;
      expect(next?.fence).toBeGreaterThan(first?.fence ?? 0);
      await expect(lockClient().renew(first?.token ?? '', MINUTE_MS)).rejects.toThrow(/lost/);
      expect(await lockClient().release(first?.token ?? '')).toBe(false);
      await lockClient().release(next?.token ?? '');
      expect(await admin().refusal(method.releaseLock, { name })).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'LOCK_NOT_FOUND',
      });
      const { entries } = await admin().call(method.listAudit, { pageSize: 1_000 });
      expect(entries.filter(({ target }) => target === name)).toMatchObject([{ action: 'ReleaseLock', count: 1n }]);
      expect(await admin().refusal(method.releaseLock, { name: 'a b' })).toMatchObject({ reason: 'LOCK_INVALID' });
    });
  });

  /** What is noted of a lock is noted right behind it. */
  async function listedSoon(name: string) {
    await until(async () => expect((await listed(name))[0]?.holder).not.toBe(''), FOLLOW_MS);
    return listed(name);
  }

  describe('connections', () => {
    test('a client is listed with its calls, its consumers and what they hold', async () => {
      const topic = bus.topic('connected');
      const consumer = await bus.client().subscribe(topic, 'c');
      await bus.client().publish([{ topic }, { topic }]);
      const received = await consumer.take(2);
      await until(async () => {
        const { connections } = await admin().call(method.listConnections, {});
        const own = connections.find(({ inFlight }) => inFlight === 2);
        expect(own).toMatchObject({ consumers: 1 });
        expect(own?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
        expect(own?.openCalls).toBeGreaterThanOrEqual(1);
        expect(Number(own?.calls)).toBeGreaterThanOrEqual(2);
        expect(Number(own?.lastCallTimeMs)).toBeGreaterThanOrEqual(Number(own?.sinceTimeMs));
      }, FOLLOW_MS);
      await consumer.ack(received.map(({ receipt }) => receipt));
      await consumer.close();
      await until(async () => {
        const { connections } = await admin().call(method.listConnections, {});
        expect(connections.some(({ consumers }) => consumers > 0)).toBe(false);
      }, FOLLOW_MS);
    });

    test('connections are listed of every gateway, or of one', async () => {
      await until(async () => {
        const { nodes } = await admin().call(method.listNodes, {});
        const { connections } = await admin(1).call(method.listConnections, {});
        expect(new Set(connections.map(({ node }) => node))).toEqual(new Set(nodes.map(({ name }) => name)));
        const node = nodes[0]?.name ?? '';
        const some = await admin().call(method.listConnections, { node, pageSize: 1 });
        expect(some.connections.every((connection) => connection.node === node)).toBe(true);
        expect(some.connections).toHaveLength(1);
      }, FOLLOW_MS);
      expect((await admin().call(method.listConnections, { node: 'nobody' })).connections).toEqual([]);
    });
  });
}
