import { randomUUID } from 'node:crypto';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { BusClient } from '../../support/client.js';
import { fixedRetry } from '../../support/client-types.js';
import { SetChecker } from '../../support/set-checker.js';
import { Holder } from '../holder.js';
import { needNone } from '../need.js';
import type { Outcome, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

interface Case {
  readonly name: string;
  readonly title: string;
  /** Of the gateway. */
  readonly keepaliveSeconds: number;
  readonly leaseSeconds: number;
}

const cases: readonly Case[] = [
  {
    name: 'client-frozen-lease',
    title: 'SIGSTOP of a consumer that holds messages: their leases end, others get them; it wakes and acks: STALE',
    keepaliveSeconds: 600,
    leaseSeconds: 2,
  },
  {
    name: 'client-frozen-half-open',
    title:
      'SIGSTOP of a consumer with long leases: keepalive ends its stream, others get what it held; its acks: STALE',
    keepaliveSeconds: 1,
    leaseSeconds: 600,
  },
];

const TOPIC = 'work';
const CHANNEL = 'workers';

export const clientFrozen: readonly Scenario[] = cases.map((one) => ({
  name: one.name,
  title: one.title,
  engines: ['embedded', 'cluster'],
  play: (stage) => play(stage, one),
}));

async function play(stage: Stage, { keepaliveSeconds, leaseSeconds }: Case): Promise<Outcome> {
  const count = stage.pick(1_000, 200);
  const gateway = await stage.gateway({ KeepaliveSeconds: keepaliveSeconds, MaxCredit: 1_000 });
  const client = new BusClient(gateway.rpcUrl);
  stage.atEnd(async () => client.close());
  const checker = new SetChecker();
  await client.makeChannel(TOPIC, CHANNEL, fixedRetry(5));
  const messages = Array.from({ length: count }, () => ({ topic: TOPIC, id: randomUUID() }));
  for (const { id } of await client.publish(messages)) checker.published(id);

  const holder = await Holder.start(stage, gateway.rpcUrl, { topic: TOPIC, channel: CHANNEL, count, leaseSeconds });
  for (const id of holder.ids) checker.delivered(id);
  holder.freeze();
  const frozenAt = performance.now();
  const others = await AckingConsumer.start(client, TOPIC, CHANNEL, checker);
  stage.atEnd(() => others.stop());
  await checker.until(({ acked }) => acked === count, 90_000);
  const recovered = (performance.now() - frozenAt) / 1_000;

  const answers = await holder.wakeAndAck();
  needNone(
    answers.filter((answer) => answer !== 'StaleReceiptError'),
    'acks of a consumer that was frozen were not STALE',
  );
  return { ...checker.report, recoveredSeconds: recovered };
}
