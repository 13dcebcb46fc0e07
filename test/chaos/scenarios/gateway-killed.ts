import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

/** Its clients stay, and find it again by themselves. */
export const gatewayKilled: Scenario = {
  name: 'gateway-killed',
  title: 'SIGKILL of the gateway, again and again, amid publishes and acks',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const gateway = await stage.gateway({ DLMExpiration: 1 });
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: 2_000 });
    let recovered = 0;
    for (let kill = 1; kill <= stage.pick(10, 2); kill++) {
      await traffic.flows(stage.pick(2_000, 500));
      await gateway.kill();
      await gateway.start();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    return traffic.finish(recovered);
  },
};
