import { randomUUID } from 'node:crypto';
import { Bus, PullResponseSchema, SubscribeRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { type Channel, type ChannelModel, connect, type Options } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { answered, bytesOf, RawClient } from './raw-client.js';
import { faultsOf, Witness } from './witness.js';

/** A declaration takes some 20 ms; this is long enough for a slow machine, and short beside the pauses of a backoff. */
const PROMPT_MS = 3_000;

let group: GatewayGroup;
let witness: Witness;
let raw: RawClient;
let model: ChannelModel;
let amqp: Channel;

beforeAll(async () => {
  group = await gatewayGroup('cluster');
  const gateway = await group.start();
  witness = await Witness.of(gateway);
  raw = new RawClient(gateway.rpcUrl);
  model = await connect(group.space?.services.rabbitmq ?? '');
  amqp = await model.createChannel();
});

afterAll(async () => {
  raw?.close();
  witness?.close();
  await model?.close();
  await group?.remove();
});

const OTHERS: readonly (readonly [string, Options.AssertQueue])[] = [
  ['of another type', { durable: true, arguments: { 'x-queue-type': 'classic' } }],
  ['that is exclusively another connection’s', { exclusive: true }],
];

test.each(OTHERS)('a queue %s is named to whoever needs it, until it is gone', async (_, options) => {
  const { queue, subscribe, pull } = channelOfItsOwn();
  await amqp.assertQueue(queue, options);
  const conflict = {
    code: 'FAILED_PRECONDITION',
    domain: 'waybill',
    reason: 'QUEUE_CONFLICT',
    message: expect.stringContaining(queue),
  };
  expect(await witness.sees(subscribe)).toMatchObject(conflict);
  expect(await witness.sees(pull)).toMatchObject(conflict);
  expect((await fetch(`${witness.gateway.httpUrl}/readyz`)).status).toBe(200);

  await amqp.deleteQueue(queue);
  expect(answered(PullResponseSchema, await witness.sees(pull)).deliveries).toEqual([]);
});

test('whoever asks again and again for a queue that exists otherwise keeps nobody else waiting', async () => {
  const bad = channelOfItsOwn();
  await amqp.assertQueue(bad.queue, { durable: false });
  for (let time = 0; time < 10; time++) {
    const good = channelOfItsOwn();
    const begun = performance.now();
    const [refused, pulled] = await Promise.all([bad.subscribe(), good.pull()]);
    expect(refused).toMatchObject({ reason: 'QUEUE_CONFLICT' });
    expect(answered(PullResponseSchema, pulled).deliveries).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(PROMPT_MS);
  }
  await amqp.deleteQueue(bad.queue);
});

test('the gateway has logged no fault of its own', () => {
  expect(faultsOf(witness.gateway)).toEqual([]);
});

/** A channel that nobody has asked for yet, and the queue that it would have. */
function channelOfItsOwn() {
  const topic = `conflict-${randomUUID()}`;
  const open = { topic, channel: 'billing', credit: 1 };
  const openFrame = bytesOf(SubscribeRequestSchema, { frame: { case: 'open', value: open } });
  const pullRequest = bytesOf(Bus.method.pull.input, { topic, channel: 'billing', waitMs: 0n });
  return {
    queue: `${group.space?.prefix}/${topic}/billing`,
    subscribe: () => raw.stream(Bus.method.subscribe, [openFrame]),
    pull: () => raw.unary(Bus.method.pull, pullRequest),
  };
}
