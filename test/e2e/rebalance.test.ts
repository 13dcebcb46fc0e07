import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type GatewayGroup, gatewayGroup, type Settings } from '../support/gateway.js';
import { HandlingConsumer, type HandlingOptions } from '../support/handling-consumer.js';
import { SetChecker } from '../support/set-checker.js';
import { until } from '../support/until.js';

const TOPIC = 'orders';
const CHANNEL = 'billing';
const SLOW: HandlingOptions = { credit: 1, handleMs: 2_000 };
const FAST: HandlingOptions = { credit: 100, handleMs: 0 };
const MESSAGES = 300;

/** The client of one more gateway. */
async function join(group: GatewayGroup, settings: Settings = {}): Promise<BusClient> {
  const { rpcUrl } = await group.start(settings);
  const client = new BusClient(rpcUrl);
  onTestFinished(() => client.close());
  return client;
}

async function consumer(client: BusClient, checker: SetChecker, options: HandlingOptions): Promise<HandlingConsumer> {
  const made = await HandlingConsumer.start(client, TOPIC, CHANNEL, checker, options);
  onTestFinished(() => made.stop());
  return made;
}

async function publish(client: BusClient, checker: SetChecker, count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => ({ topic: TOPIC, id: randomUUID(), body: 'x'.repeat(256) }));
  for (const { id } of await client.publish(messages)) checker.published(id);
}

describe('a hungry consumer is fed by the gateways whose consumers are slow', () => {
  test.each([
    ['in frames of 32', 32],
    ['in frames of one message', 1],
  ])('messages %s', async (how, FrameMaxMessages) => {
    const group = await gatewayGroup('cluster');
    const settings = { FrameMaxMessages };
    const [a, b, c] = await Promise.all([join(group, settings), join(group, settings), join(group, settings)]);
    const checker = new SetChecker();
    const slow = await Promise.all([a, a, a, b, b, b].map((client) => consumer(client, checker, SLOW)));
    // Each slow consumer has its first message, and both gateways hold more.
    await publish(a, checker, MESSAGES);
    await until(async () => {
      for (const { hungry } of slow) if (hungry.length === 0) throw new Error('a slow consumer has nothing');
    }, 10_000);
    const joined = performance.now();
    const fast = await consumer(c, checker, FAST);
    // All but what the slow ones work on.
    await checker.until(({ lost }) => lost <= slow.length, 20_000);
    const fed = Math.round(performance.now() - joined);
    const bySlow = slow.reduce((sum, { handled }) => sum + handled, 0);
    await checker.until(({ lost }) => lost === 0, 20_000);
    const all = Math.round(performance.now() - joined);
    const { report } = checker;
    const [first = 0, ...later] = fast.hungry.map(Math.round);
    console.info(
      `rebalance, messages ${how}: first message after ${first} ms, hungry to fed ${Math.max(...later)} ms at most ` +
        `(${later.length} times); ${fast.handled} of ${MESSAGES} handled by the fast consumer, all but the slow ones' own ` +
        `after ${fed} ms, all after ${all} ms; lost ${report.lost}, duplicated ${report.duplicated}`,
    );
    // Fed while the others held what their consumers would have taken minutes for.
    expect(later.length).toBeGreaterThan(0);
    expect(bySlow).toBeLessThanOrEqual(2 * slow.length);
    expect(Math.max(first, ...later)).toBeLessThan(2_000);
    expect(report).toMatchObject({ published: MESSAGES, acked: MESSAGES, lost: 0, afterAck: 0 });
    expect(fast.handled + slow.reduce((sum, { handled }) => sum + handled, 0)).toBe(MESSAGES);
  });
});

test('a pull that waits is fed too', async () => {
  const group = await gatewayGroup('cluster');
  const [a, b] = await Promise.all([join(group), join(group)]);
  const checker = new SetChecker();
  const slow = await consumer(a, checker, { credit: 1, handleMs: 10_000 });
  await publish(a, checker, 20);
  await until(async () => expect(slow.hungry).toHaveLength(1), 10_000);
  const asked = performance.now();
  let pulled = 0;
  while (pulled < 19) {
    const batch = await b.pull(TOPIC, CHANNEL, { max: 10, waitMs: 10_000 });
    expect(batch.length).toBeGreaterThan(0);
    expect(await b.ack(batch.map(({ receipt }) => receipt))).toEqual(batch.map(() => 'ok'));
    pulled += batch.length;
  }
  const took = Math.round(performance.now() - asked);
  console.info(`rebalance, by pull: what a slow consumer's gateway held was pulled after ${took} ms`);
  expect(took).toBeLessThan(8_000);
});

test('idle consumers cause a few words, and no messages', async () => {
  const group = await gatewayGroup('cluster');
  const clients = await Promise.all([join(group), join(group)]);
  const { prefix, services } = group.space ?? { prefix: '', services: { rabbitmq: '' } };
  const amqp = await connect(services.rabbitmq);
  onTestFinished(() => amqp.close());
  const probe = await amqp.createChannel();
  const { queue } = await probe.assertQueue('', { exclusive: true });
  await probe.bindQueue(queue, `${prefix}.rebalance`, '');
  let words = 0;
  await probe.consume(
    queue,
    () => {
      words++;
    },
    { noAck: true },
  );
  const streams = await Promise.all(
    clients.flatMap((client) => Array.from({ length: 200 }, () => client.subscribe(TOPIC, CHANNEL, { credit: 10 }))),
  );
  onTestFinished(async () => {
    await Promise.all(streams.map((stream) => stream.drop()));
  });
  const began = performance.now();
  await delay(7_000);
  const seconds = (performance.now() - began) / 1_000;
  console.info(`400 idle consumers of a channel on 2 gateways: ${words} words in ${seconds.toFixed(1)} s`);
  expect(words).toBeGreaterThan(0);
  expect(words).toBeLessThanOrEqual(2 * (Math.ceil(seconds / 5) + 1));
});
