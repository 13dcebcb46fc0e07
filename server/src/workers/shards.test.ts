import { describe, expect, onTestFinished, test } from 'vitest';
import { LocalLocks } from '../adapters/locks-local/locks.js';
import { SetClock } from '../fixture/clock.js';
import { SHARDS } from '../model/shard.js';
import { silentLogger } from '../ports/logger.js';
import type { Membership } from '../ports/membership.js';
import { Shards } from './shards.js';

const LOCK_MS = 3_000;

/** The gateways of one test: those that announced themselves, by the time until which they count. */
class TestMembership implements Membership {
  away = false;
  readonly #until = new Map<string, number>();

  constructor(private readonly clock: SetClock) {}

  async announce(job: string, gateway: string, ttlMs: number): Promise<number> {
    if (this.away) throw new Error('the store is away');
    const now = this.clock.now();
    this.#until.set(`${job}/${gateway}`, now + ttlMs);
    return [...this.#until].filter(([key, until]) => key.startsWith(`${job}/`) && until > now).length;
  }

  async leave(job: string, gateway: string): Promise<void> {
    if (this.away) throw new Error('the store is away');
    this.#until.delete(`${job}/${gateway}`);
  }
}

class Cluster {
  readonly clock = new SetClock();
  readonly locks = new LocalLocks(this.clock);
  readonly membership = new TestMembership(this.clock);
  changes = 0;
  #gateways = 0;

  join(job = 'due'): Shards {
    const gateway = `g${++this.#gateways}`;
    const { locks, membership } = this;
    const changed = () => {
      this.changes++;
    };
    const made = new Shards({ job, locks, membership, logger: silentLogger, gateway, lockMs: LOCK_MS, changed });
    onTestFinished(() => made.stop());
    return made;
  }

  /** So many rounds in which each of these gateways balances, a third of the locks' time apart. */
  async rounds(count: number, ...gateways: readonly Shards[]): Promise<void> {
    for (let i = 0; i < count; i++) {
      for (const gateway of gateways) await gateway.balance().catch(() => undefined);
      this.clock.time += LOCK_MS / 3;
    }
  }
}

const sizes = (...gateways: readonly Shards[]) => gateways.map(({ held }) => held.length);
const numbers = (...gateways: readonly Shards[]) =>
  gateways.flatMap(({ held }) => held.map(({ shard }) => shard)).sort((a, b) => a - b);
const all = Array.from({ length: SHARDS }, (_, shard) => shard);

describe('the shards of a gateway', () => {
  test('are all of them when it is alone', async () => {
    const cluster = new Cluster();
    const one = cluster.join();
    expect(await one.granted()).toBe(false);
    await one.start();
    expect(numbers(one)).toEqual(all);
    expect(await one.granted()).toBe(true);
    expect(cluster.changes).toBe(1);
  });

  test('are its fair share of all: one that joins has it within two thirds of the locks’ time', async () => {
    const cluster = new Cluster();
    const [one, two, three] = [cluster.join(), cluster.join(), cluster.join()];
    await cluster.rounds(1, one);
    await cluster.rounds(2, two, one);
    expect(sizes(one, two)).toEqual([32, 32]);
    await cluster.rounds(2, three, two, one);
    expect(numbers(one, two, three)).toEqual(all);
    expect(sizes(one, two, three).sort()).toEqual([20, 22, 22]);
  });

  test('are shared by any number of gateways, each in the hands of one', async () => {
    for (const count of [2, 3, 5, 7, 64, 70]) {
      const cluster = new Cluster();
      const gateways = Array.from({ length: count }, () => cluster.join());
      await cluster.rounds(3, ...gateways);
      expect(numbers(...gateways)).toEqual(all);
      expect(Math.max(...sizes(...gateways))).toBe(Math.ceil(SHARDS / count));
    }
  });

  test('stay where they are while nothing changes', async () => {
    const cluster = new Cluster();
    const [one, two] = [cluster.join(), cluster.join()];
    await cluster.rounds(3, one, two);
    const [before, changes] = [one.held, cluster.changes];
    await cluster.rounds(10, one, two);
    expect(one.held).toEqual(before);
    expect(cluster.changes).toBe(changes);
  });

  test('are with the others once the locks of one that was killed have run out, under higher tokens', async () => {
    const cluster = new Cluster();
    const [one, two, killed] = [cluster.join(), cluster.join(), cluster.join()];
    await cluster.rounds(3, one, two, killed);
    const before = new Map(killed.held.map(({ shard, fence }) => [shard, fence]));
    // Its locks hold for two thirds of their time yet.
    await cluster.rounds(2, one, two);
    expect(sizes(one, two)).toEqual([22, 22]);
    await cluster.rounds(2, one, two);
    expect(numbers(one, two)).toEqual(all);
    for (const { shard, fence } of [...one.held, ...two.held]) expect(fence).toBeGreaterThan(before.get(shard) ?? 0);
  });

  test('are given up by one that was frozen past its locks, whoever has them by now', async () => {
    const cluster = new Cluster();
    const [one, frozen] = [cluster.join(), cluster.join()];
    await cluster.rounds(3, one, frozen);
    const before = frozen.held;
    await cluster.rounds(4, one);
    expect(sizes(one)).toEqual([SHARDS]);
    // Awake again, it believes that it holds what it held: its tokens are too low by now.
    expect(frozen.held).toEqual(before);
    await cluster.rounds(3, frozen, one);
    expect(numbers(one, frozen)).toEqual(all);
    expect(sizes(one, frozen)).toEqual([32, 32]);
    const lowest = Math.max(...before.map(({ fence }) => fence));
    for (const { fence } of frozen.held) expect(fence).toBeGreaterThan(lowest);
  });

  test('are taken anew when the store has lost all locks', async () => {
    const cluster = new Cluster();
    const one = cluster.join();
    await one.balance();
    const [{ fence } = { fence: 0 }] = one.held;
    await cluster.locks.stop();
    await one.balance();
    expect(numbers(one)).toEqual(all);
    expect(Math.min(...one.held.map((shard) => shard.fence))).toBeGreaterThan(fence);
  });

  test('are kept while the store is away, until their locks run out', async () => {
    const cluster = new Cluster();
    const one = cluster.join();
    await cluster.rounds(1, one);
    cluster.membership.away = true;
    // The store is away as a whole: it renews nothing, and what it knew runs out.
    const renewing = cluster.clock.time;
    await one.balance().catch(() => undefined);
    expect(sizes(one)).toEqual([SHARDS]);
    cluster.clock.time = renewing + LOCK_MS;
    await one.balance().catch(() => undefined);
    expect(await one.granted()).toBe(false);
    cluster.membership.away = false;
    await one.balance();
    expect(numbers(one)).toEqual(all);
  });

  test('are given back at once when it stops, and it does not count any more', async () => {
    const cluster = new Cluster();
    const [one, two] = [cluster.join(), cluster.join()];
    await cluster.rounds(3, one, two);
    await two.stop();
    await two.stop();
    expect(sizes(two)).toEqual([0]);
    await one.balance();
    expect(numbers(one)).toEqual(all);
  });

  test('are given back when it stops even though the store is away', async () => {
    const cluster = new Cluster();
    const [one, two] = [cluster.join(), cluster.join()];
    await cluster.rounds(3, one, two);
    cluster.membership.away = true;
    await two.stop();
    expect(sizes(two)).toEqual([0]);
    cluster.membership.away = false;
    await cluster.rounds(4, one);
    expect(sizes(one)).toEqual([SHARDS]);
  });

  test('of one job are no matter of another job', async () => {
    const cluster = new Cluster();
    const [due, expiry] = [cluster.join('due'), cluster.join('expiry')];
    await cluster.rounds(2, due, expiry);
    expect(sizes(due, expiry)).toEqual([SHARDS, SHARDS]);
  });
});
