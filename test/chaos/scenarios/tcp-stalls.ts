import { setTimeout as delay } from 'node:timers/promises';
import { heals } from '../healing.js';
import { HOPS, type Hop, proxied, WATCHFUL } from '../hops.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** In full, everything keeps its default; in short, what can look for dead connections sooner does. */
const QUICK = { HeartbeatSeconds: 1, KeepaliveSeconds: 1 };

export const tcpStalls: readonly Scenario[] = HOPS.map(stalls);

function stalls(hop: Hop): Scenario {
  return {
    name: `tcp-stalls-${hop}`,
    title: `connections ${hop === 'client' ? 'of clients' : `to ${hop}`} stay open and carry nothing`,
    engines: hop === 'client' ? ['embedded', 'cluster'] : ['cluster'],
    async play(stage) {
      const short = stage.length === 'short';
      const { gateway, url, proxies } = await proxied(stage, [hop], short ? QUICK : {}, short ? 1 : undefined);
      const witness = Witness.of(stage, gateway);
      const traffic = await Traffic.start(stage, [url, url], {
        mix: { delayed: 0.1, nacked: 0.1 },
        connect: short ? WATCHFUL : {},
      });
      await traffic.flows(stage.pick(2_000, 200));
      const before = proxies.map(({ counts }) => counts.accepted);
      for (const proxy of proxies) proxy.stall();
      // And at least until the gateway has shown what it is to show.
      const lasts = stage.pick(60_000, 5_000);
      await Promise.all([delay(lasts), stage.length === 'full' || hop !== 'mysql' ? seen() : undefined, goesOn()]);
      const after = proxies.map(({ counts }) => counts.accepted);
      for (const proxy of proxies) proxy.pass();
      const outcome = await heals(stage, traffic, witness);
      // A statement is given up after 15 s, and a silent Redis after 5 s.
      const found = after.every((count, index) => count > (before[index] ?? 0));
      if (!found && (stage.length === 'full' || hop === 'client' || hop === 'rabbitmq')) {
        throw new Error(`nobody found within ${lasts} ms that the connections were dead`);
      }
      return outcome;

      /** Readiness tells which service is away, and stays for a client's own trouble. */
      async function seen(): Promise<void> {
        await witness.says(hop === 'client' ? [] : [hop], Math.max(lasts, 20_000));
      }

      /** Guarantee 8: without MySQL or Redis, messages for now are accepted. */
      async function goesOn(): Promise<void> {
        if (hop === 'mysql' || hop === 'redis') await traffic.flows(stage.pick(2_000, 200));
      }
    },
  };
}
