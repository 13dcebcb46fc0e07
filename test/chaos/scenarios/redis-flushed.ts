import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

const EVERY_MS = 200;

/** Locks, membership and dedupe are gone again and again, while two gateways share the schedule. */
export const redisFlushed: Scenario = {
  name: 'redis-flushed',
  title: 'FLUSHALL of Redis, again and again, under two gateways with delayed messages',
  engines: ['cluster'],
  async play(stage) {
    const redis = await stage.borrow('redis');
    const group = await stage.group({ redis: redis.url });
    const gateways = await Promise.all([1, 2].map(() => group.start({ DLMExpiration: 1 })));
    const witnesses = gateways.map((gateway) => Witness.of(stage, gateway));
    const urls = gateways.map(({ rpcUrl }) => rpcUrl);
    const traffic = await Traffic.start(stage, urls, { mix: { delayed: 0.3, nacked: 0.1 } });
    const client = new Redis(redis.url);
    stage.atEnd(async () => client.disconnect());
    await traffic.flows(200);
    const until = performance.now() + stage.pick(60_000, 4_000);
    while (performance.now() < until) {
      await client.flushall();
      await delay(EVERY_MS);
    }
    const recovered = await traffic.recovered();
    await traffic.flows(stage.pick(2_000, 200));
    const outcome = await traffic.finish(recovered);
    for (const witness of witnesses) witness.check();
    return outcome;
  },
};
