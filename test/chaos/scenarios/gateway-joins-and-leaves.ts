import { sharing } from '../../support/due-shards.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

/** Config `DLMExpiration`: how long the shards of a gateway that was killed stay its own. */
const LOCK_SECONDS = 1;
/** Far past the bound, four thirds of it, for a machine that is busy. */
const MOVED_MS = 10_000;

export const gatewayJoinsAndLeaves: Scenario = {
  name: 'gateway-joins-and-leaves',
  title: 'three gateways with delayed work: one is killed, one joins, one leaves; their shards move',
  engines: ['cluster'],
  async play(stage) {
    const group = await stage.group();
    const settings = { DLMExpiration: LOCK_SECONDS, Debug: true };
    const stays = await group.start(settings);
    const [killed, leaves] = await Promise.all([group.start(settings), group.start(settings)]);
    const url = [stays, killed, leaves].map(({ rpcUrl }) => rpcUrl).join(',');
    const traffic = await Traffic.start(stage, [url, url], { rate: 500, mix: { delayed: 0.5, nacked: 0.1 } });
    let recovered = 0;
    for (let round = 0; round < stage.pick(3, 1); round++) {
      await sharing(MOVED_MS, stays, killed, leaves);
      await traffic.flows(stage.pick(2_000, 300));
      await killed.kill();
      recovered = Math.max(recovered, await traffic.recovered());
      await sharing(MOVED_MS, stays, leaves);
      await traffic.flows(stage.pick(1_000, 200));
      await killed.start();
      await sharing(MOVED_MS, stays, killed, leaves);
      await leaves.stop();
      await sharing(MOVED_MS, stays, killed);
      await traffic.flows(stage.pick(1_000, 200));
      await leaves.start();
    }
    return traffic.finish(recovered);
  },
};
