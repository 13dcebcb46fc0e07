import { connect } from 'amqplib';
import type { GatewayGroup } from '../../support/gateway.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

const HELD = 500;

/**
 * What waits in a queue that somebody deletes is gone by their hand, and no bus can have it again. So nothing waits there:
 * consumers hold all there is, unsettled, and then settle it. What is published from then on finds no queue for a moment.
 */
export const queueDeleted: Scenario = {
  name: 'queue-deleted',
  title: "A channel's queue deleted in RabbitMQ while its consumers hold all that was in it; publishing goes on",
  engines: ['cluster'],
  async play(stage) {
    const group = await stage.group();
    const gateway = await group.start({ DLMExpiration: 1 });
    const witness = Witness.of(stage, gateway);
    const subscribe = { credit: 2 * HELD, concurrency: 2 * HELD };
    // Without delays: what becomes due goes to the queue by itself.
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { subscribe, mix: { nacked: 0.2 } });
    let recovered = 0;
    for (let n = 1; n <= stage.pick(10, 2); n++) {
      // In full, for longer than the gateway takes a consumer to be a good one: its backoff starts anew each time.
      await traffic.flows(stage.pick(3_000, 200));
      await traffic.pause();
      await traffic.checker.until(({ lost }) => lost === 0, 20_000);
      traffic.hold();
      traffic.resume();
      await traffic.flows(HELD / 2);
      await traffic.pause();
      await traffic.delivered();
      await deleteQueue(stage, group);
      traffic.resume();
      await traffic.flows(50);
      traffic.letGo();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};

async function deleteQueue(stage: Stage, { space }: GatewayGroup): Promise<void> {
  if (space === undefined) throw new Error(`the ${stage.engine} engine has no queues`);
  const connection = await connect(space.services.rabbitmq);
  try {
    const channel = await connection.createChannel();
    const { messageCount } = await channel.deleteQueue(`${space.prefix}/work/workers`);
    if (messageCount > 0) throw new Error(`${messageCount} messages waited in the queue, and were deleted with it`);
  } finally {
    await connection.close();
  }
}
