import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

export const gatewaysRollingRestart: Scenario = {
  name: 'gateways-rolling-restart',
  title: 'three gateways, each ended by SIGTERM and started again in turn, under load; clients know all three',
  engines: ['cluster'],
  async play(stage) {
    const group = await stage.group();
    const settings = { DLMExpiration: 1 };
    const gateways = [await group.start(settings), await group.start(settings), await group.start(settings)];
    const url = gateways.map(({ rpcUrl }) => rpcUrl).join(',');
    const traffic = await Traffic.start(stage, [url, url, url], {
      rate: stage.pick(1_000, 500),
      mix: { delayed: 0.1, nacked: 0.1 },
    });
    let recovered = 0;
    for (let round = 0; round < stage.pick(3, 1); round++) {
      for (const gateway of gateways) {
        await traffic.flows(stage.pick(2_000, 100));
        await gateway.stop();
        await traffic.flows(stage.pick(1_000, 100), 10_000);
        await gateway.start();
        recovered = Math.max(recovered, await traffic.recovered());
      }
    }
    const outcome = await traffic.finish(recovered);
    if (traffic.failures > 0)
      throw new Error(`${traffic.failures} publishes failed, though two gateways always served`);
    return outcome;
  },
};
