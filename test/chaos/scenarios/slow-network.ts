import { HOPS, proxied } from '../hops.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

const DELAY_MS = 50;
const JITTER_MS = 20;
const RATE = 300;

export const slowNetwork: Scenario = {
  name: 'slow-network',
  title: `${DELAY_MS} ms and up to ${JITTER_MS} ms more in each direction, to and from everything`,
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const hops = stage.engine === 'cluster' ? HOPS : (['client'] as const);
    const { gateway, url, proxies } = await proxied(stage, hops);
    const witness = Witness.of(stage, gateway);
    for (const proxy of proxies) proxy.delay(DELAY_MS, JITTER_MS);
    const traffic = await Traffic.start(stage, [url, url], {
      rate: RATE,
      window: RATE * 2,
      mix: { delayed: 0.1, nacked: 0.1 },
    });
    const seconds = stage.pick(30, 3);
    // The way is long, and as wide as before. A machine that is busy gets more time.
    await traffic.flows(RATE * seconds, 2 * seconds * 1_000 + 30_000);
    await witness.says([]);
    for (const proxy of proxies) proxy.delay(0);
    const recovered = await traffic.recovered();
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};
