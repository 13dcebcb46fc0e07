import { need } from '../need.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

/** An operator restarts a gateway in order, as a roll-out does; clients only reconnect. */
export const gatewayDrained: Scenario = {
  name: 'gateway-drained',
  title: 'SIGTERM under load: the gateway drains and ends, and a next one starts; publishers see no error',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const gateway = await stage.gateway({ DLMExpiration: 1 });
    const mix = { delayed: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: 2_000, mix });
    let recovered = 0;
    for (let round = 0; round < stage.pick(5, 2); round++) {
      await traffic.flows(stage.pick(2_000, 500));
      await gateway.restart();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    const outcome = await traffic.finish(recovered);
    need(traffic.failures === 0, `${traffic.failures} publishes were answered with an error`);
    return outcome;
  },
};
