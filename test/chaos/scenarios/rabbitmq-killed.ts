import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/**
 * RabbitMQ syncs the term of a quorum queue some seconds after it made the queue; one that is killed before that comes back
 * without a leader, and stays so (rabbitmq-server#10070). So it is not killed while its queues are younger.
 */
const QUEUE_AGE_MS = 8_000;

export const rabbitmqKilled: Scenario = {
  name: 'rabbitmq-killed',
  title: 'SIGKILL of RabbitMQ amid publishes and acks, and back',
  engines: ['cluster'],
  async play(stage) {
    const rabbitmq = await stage.borrow('rabbitmq');
    const gateway = await stage.gateway({ DLMExpiration: 1 }, { rabbitmq: rabbitmq.url });
    const witness = Witness.of(stage, gateway);
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: 1_000, mix: { delayed: 0.1, nacked: 0.1 } });
    await delay(QUEUE_AGE_MS);
    let recovered = 0;
    for (let kill = 1; kill <= stage.pick(5, 1); kill++) {
      await traffic.flows(stage.pick(2_000, 500));
      await rabbitmq.kill();
      await witness.says(['rabbitmq']);
      await rabbitmq.start();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    await traffic.flows(stage.pick(2_000, 200));
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};
