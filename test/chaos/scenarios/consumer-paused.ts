import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { BusClient } from '../../support/client.js';
import { fixedRetry, type Received, type Status } from '../../support/client-types.js';
import { SetChecker } from '../../support/set-checker.js';
import { need, needNone } from '../need.js';
import type { Scenario } from '../scenario.js';

const TOPIC = 'work';
const CHANNEL = 'workers';
/** For clocks and timers between the lease's end and the gateway's look at it. */
const SLACK_MS = 50;

/** Its leases end while it sleeps: whatever it says afterwards comes too late, whether somebody else has the messages by then or not. */
export const consumerPaused: Scenario = {
  name: 'consumer-paused',
  title:
    'a consumer sleeps past its leases, streamed and pulled, and acks then: STALE, and others ack each message once',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const gateway = await stage.gateway();
    const client = new BusClient(gateway.rpcUrl);
    stage.atEnd(async () => client.close());
    const checker = new SetChecker();
    const count = stage.pick(1_000, 200);
    const leaseSeconds = stage.pick(20, 1);
    await client.makeChannel(TOPIC, CHANNEL, fixedRetry(5));
    for (let part = 0; part < 2; part++) {
      const messages = Array.from({ length: count }, () => ({ topic: TOPIC, id: randomUUID() }));
      for (const { id } of await client.publish(messages)) checker.published(id);
    }

    const stream = await client.subscribe(TOPIC, CHANNEL, { credit: count, leaseSeconds });
    const streamed = await stream.take(count);
    // When its leases end, it asks for nothing more.
    stream.credit(0);
    const pulled: Received[] = [];
    while (pulled.length < count) pulled.push(...(await client.pull(TOPIC, CHANNEL, { max: 1_000, leaseSeconds })));
    const held = [...streamed, ...pulled];
    for (const { id } of held) checker.delivered(id);

    await delay(Math.max(...held.map(({ leaseDeadlineMs }) => leaseDeadlineMs)) - Date.now() + SLACK_MS);
    const early = [...streamed.slice(0, count / 2), ...pulled.slice(0, count / 2)].map(({ receipt }) => receipt);
    const late = [...streamed.slice(count / 2), ...pulled.slice(count / 2)].map(({ receipt }) => receipt);
    stale(await client.ack(early), 'an ack after the lease had ended');

    const others = await AckingConsumer.start(client, TOPIC, CHANNEL, checker);
    stage.atEnd(() => others.stop());
    const from = performance.now();
    await checker.until(({ acked }) => acked === 2 * count, 60_000);
    const recoveredSeconds = (performance.now() - from) / 1_000;
    stale(await stream.ack(late), 'an ack after somebody else had acked');
    stale(await client.nack(late), 'a nack after somebody else had acked');
    stale(await client.extend(late, 10), 'an extend after somebody else had acked');
    stale(await client.reject(late), 'a reject after somebody else had acked');
    need(checker.report.duplicated === 2 * count, 'each message comes once to the sleeper and once to another');
    return { ...checker.report, recoveredSeconds };
  },
};

function stale(statuses: readonly Status[], what: string): void {
  needNone(
    statuses.filter((status) => status !== 'stale'),
    `${what} was not STALE`,
  );
}
