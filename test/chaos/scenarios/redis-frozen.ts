import { setTimeout as delay } from 'node:timers/promises';
import { heals } from '../healing.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** Its connections stay open, and nothing answers. */
export const redisFrozen: Scenario = {
  name: 'redis-frozen',
  title: 'Redis frozen (SIGSTOP) under load, and back',
  engines: ['cluster'],
  async play(stage) {
    const redis = await stage.borrow('redis');
    const gateway = await stage.gateway({ DLMExpiration: 1 }, { redis: redis.url });
    const witness = Witness.of(stage, gateway);
    const mix = { delayed: 0.1, nacked: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    await traffic.flows(stage.pick(5_000, 500));
    await redis.pause();
    stage.atEnd(() => redis.resume());
    const { acked } = traffic.checker.report;
    await Promise.all([
      delay(stage.pick(60_000, 4_000)),
      witness.says(['redis']),
      // Publishing and settling go on.
      traffic.flows(500, 20_000),
      traffic.checker.until((report) => report.acked > acked + 500, 20_000),
    ]);
    await redis.resume();
    return heals(stage, traffic, witness);
  },
};
