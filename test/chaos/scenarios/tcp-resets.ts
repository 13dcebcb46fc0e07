import { setTimeout as delay } from 'node:timers/promises';
import { heals } from '../healing.js';
import { HOPS, type Hop, proxied } from '../hops.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** Half of the time between two resets, and the most that is added to it at random. */
const PACE_MS = 200;

export const tcpResets: readonly Scenario[] = HOPS.map(resets);

function resets(hop: Hop): Scenario {
  return {
    name: `tcp-resets-${hop}`,
    title: `connections ${hop === 'client' ? 'of clients' : `to ${hop}`} are reset every few hundred ms, at random`,
    engines: hop === 'client' ? ['embedded', 'cluster'] : ['cluster'],
    async play(stage) {
      const { gateway, url, proxies } = await proxied(stage, [hop]);
      const witness = Witness.of(stage, gateway);
      const traffic = await Traffic.start(stage, [url, url], { mix: { delayed: 0.1, nacked: 0.1 } });
      await traffic.flows(stage.pick(2_000, 200));
      const end = performance.now() + stage.pick(60_000, 4_000);
      while (performance.now() < end) {
        for (const proxy of proxies) proxy.reset(1);
        await delay(PACE_MS + Math.random() * 2 * PACE_MS);
      }
      const outcome = await heals(stage, traffic, witness);
      const least = stage.pick(30, 3);
      for (const { counts } of proxies) if (counts.resets < least) throw new Error(`only ${counts.resets} resets`);
      return outcome;
    },
  };
}
