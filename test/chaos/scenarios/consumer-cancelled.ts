import { setTimeout as delay } from 'node:timers/promises';
import type { RabbitService } from '../../support/services/service.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** How often RabbitMQ looks for consumers that are past it; a minute by default. */
const LOOK_MS = 500;

/** The queue stays. RabbitMQ up to 4.2 closes the channel, from 4.3 on it cancels the consumer: both give back what was held. */
export const consumerCancelled: Scenario = {
  name: 'consumer-cancelled',
  title: "RabbitMQ ends the gateway's consumer, whose clients hold messages past consumer_timeout",
  engines: ['cluster'],
  async play(stage) {
    const rabbitmq = await stage.borrow('rabbitmq');
    // In full, longer than the gateway takes a channel to be a good one: its backoff starts anew each time.
    const timeoutMs = stage.pick(6_000, 2_000);
    await setTimes(rabbitmq, timeoutMs, LOOK_MS);
    const gateway = await stage.gateway({ DLMExpiration: 1 }, { rabbitmq: rabbitmq.url });
    const witness = Witness.of(stage, gateway);
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix: { delayed: 0.1, nacked: 0.1 } });
    let recovered = 0;
    for (let n = 1; n <= stage.pick(5, 1); n++) {
      await traffic.flows(stage.pick(3_000, 300));
      const from = gateway.log().length;
      traffic.hold();
      await delay(stage.pick(1.5, 2) * timeoutMs);
      if (!/RabbitMQ (closed a channel|cancelled a consumer)/.test(gateway.log().slice(from)))
        throw new Error('RabbitMQ ended no consumer');
      traffic.letGo();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    const outcome = await traffic.finish(recovered);
    witness.check();
    await setTimes(rabbitmq, 1_800_000, 60_000);
    return outcome;
  },
};

async function setTimes(rabbitmq: RabbitService, timeoutMs: number, lookMs: number): Promise<void> {
  const times = `application:set_env(rabbit, consumer_timeout, ${timeoutMs}), application:set_env(rabbit, channel_tick_interval, ${lookMs}).`;
  await rabbitmq.ctl('eval', times);
}
