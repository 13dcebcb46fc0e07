import { need } from '../need.js';
import { PowerCut } from '../power-cut.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

const MOST_ROUNDS = 20;

export const sqlitePowerLoss: Scenario = {
  name: 'sqlite-power-loss',
  title: 'the power goes amid a commit, and with it what was not synced, sector by sector: every OK stands',
  engines: ['embedded'],
  async play(stage) {
    const gateway = await stage.gateway({ DLMExpiration: 1 });
    const mix = { delayed: 0.1, nacked: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: 1_500, mix });
    let recovered = 0;
    let lost = 0;
    // A cut that comes when all is synced takes nothing, and does not count.
    for (let round = 0; round < stage.pick(10, 3) || (lost === 0 && round < MOST_ROUNDS); round++) {
      const power = await PowerCut.watch(stage, gateway);
      await traffic.flows(stage.pick(1_000, 300));
      lost += await power.cut();
      await gateway.start();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    need(lost > 0, 'whenever the power went, all had been synced: nothing was tried');
    return traffic.finish(recovered);
  },
};
