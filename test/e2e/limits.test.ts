import { create } from '@bufbuild/protobuf';
import { type ServiceError, status } from '@grpc/grpc-js';
import { Bus, PublishStreamRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, type Settings, startGateway } from '../support/gateway.js';
import { LockClient } from '../support/lock-client.js';
import { RpcClient } from '../support/rpc.js';
import { until } from '../support/until.js';

/*
 * What is over a limit is refused with RESOURCE_EXHAUSTED, in words that name the config key; where a wait serves better,
 * delivery pauses.
 */

async function start(settings: Settings): Promise<{ gateway: Gateway; client: BusClient }> {
  const gateway = await startGateway('embedded', settings);
  return { gateway, client: connect(gateway) };
}

function connect({ rpcUrl }: Gateway): BusClient {
  const client = new BusClient(rpcUrl);
  onTestFinished(() => client.close());
  return client;
}

const overloaded = (key: string) => ({
  code: status.RESOURCE_EXHAUSTED,
  details: expect.stringContaining(`(config ${key})`),
});

test('MaxStreams bounds streams of both kinds; one that ended, however it ended, makes room', async () => {
  const { gateway, client } = await start({ MaxStreams: 2 });
  const rpc = new RpcClient(gateway.rpcUrl);
  onTestFinished(() => rpc.close());
  const publishing = () => {
    const stream = rpc.stream(Bus.method.publishStream);
    const answer = new Promise<ServiceError | undefined>((resolve) => {
      stream.on('data', () => resolve(undefined));
      stream.on('error', resolve);
    });
    stream.write(create(PublishStreamRequestSchema, { messages: [{ topic: 'orders' }] }));
    return { stream, answer };
  };
  for (let round = 0; round < 3; round++) {
    const consumer = await client.subscribe('orders', 'a');
    const publisher = publishing();
    expect(await publisher.answer).toBeUndefined();
    await expect(client.subscribe('orders', 'b')).rejects.toMatchObject(overloaded('MaxStreams'));
    expect(await publishing().answer).toMatchObject(overloaded('MaxStreams'));
    if (round === 0) publisher.stream.end();
    else publisher.stream.cancel();
    await until(async () => {
      const more = await client.subscribe('orders', 'b');
      await more.close();
    }, 5_000);
    if (round === 0) await consumer.close();
    else await consumer.drop();
    await until(async () => {
      const both = [await client.subscribe('orders', 'a'), await client.subscribe('orders', 'b')];
      await Promise.all(both.map((stream) => stream.close()));
    }, 5_000);
  }
});

test('MaxSubscribersPerChannel bounds the streams and waiting pulls of one channel', async () => {
  const { client } = await start({ MaxSubscribersPerChannel: 2 });
  const consumer = await client.subscribe('orders', 'a');
  const pull = client.pull('orders', 'a', { waitMs: 1_000 });
  await until(async () => {
    await expect(client.subscribe('orders', 'a')).rejects.toMatchObject(overloaded('MaxSubscribersPerChannel'));
  }, 5_000);
  await expect(client.pull('orders', 'a')).rejects.toMatchObject(overloaded('MaxSubscribersPerChannel'));
  await client.subscribe('orders', 'b');
  expect(await pull).toEqual([]);
  await client.subscribe('orders', 'a');
  await consumer.close();
});

test('MaxChannels refuses a new channel, and leaves those that exist alone', async () => {
  const { client } = await start({ MaxChannels: 2 });
  await client.makeChannel('orders', 'a');
  await client.makeChannel('orders', 'b');
  await expect(client.subscribe('orders', 'c')).rejects.toMatchObject(overloaded('MaxChannels'));
  await expect(client.pull('letters', 'a')).rejects.toMatchObject(overloaded('MaxChannels'));
  await client.publishOne({ topic: 'orders', body: 'x' });
  expect(await client.pull('orders', 'b')).toHaveLength(1);
});

test('MaxTopics refuses a publish to one more topic, message by message', async () => {
  const { client } = await start({ MaxTopics: 2 });
  const results = await client.publish([{ topic: 'a' }, { topic: 'b' }, { topic: 'c' }, { topic: 'a' }]);
  expect(results.map(({ outcome }) => outcome)).toEqual(['parked', 'parked', 'refused', 'parked']);
  await expect(client.publishOne({ topic: 'd' })).rejects.toMatchObject(overloaded('MaxTopics'));
});

test('MaxWaitingCalls bounds pulls and lock calls that wait; those that need not wait go on', async () => {
  const { gateway, client } = await start({ MaxWaitingCalls: 2 });
  const locks = new LockClient(gateway.rpcUrl);
  onTestFinished(() => locks.close());
  await locks.acquire('x', 60_000);
  await client.makeChannel('orders', 'a');
  const pull = client.pull('orders', 'a', { waitMs: 2_000 });
  const lock = locks.acquire('x', 1_000, 2_000);
  await until(async () => {
    await expect(locks.acquire('x', 1_000, 10)).rejects.toMatchObject(overloaded('MaxWaitingCalls'));
  }, 1_500);
  await expect(client.pull('orders', 'a', { waitMs: 10 })).rejects.toMatchObject(overloaded('MaxWaitingCalls'));
  expect(await locks.acquire('y', 1_000)).toBeDefined();
  expect([await pull, await lock]).toEqual([[], undefined]);
  expect(await client.pull('orders', 'a', { waitMs: 0 })).toEqual([]);
});

test('MaxUnsettledPerClient pauses delivery to a client over all its streams, and to nobody else', async () => {
  const { gateway, client } = await start({ MaxUnsettledPerClient: 5 });
  const other = connect(gateway);
  const [one, two] = [await client.subscribe('orders', 'a'), await client.subscribe('orders', 'b')];
  const theirs = await other.subscribe('orders', 'c');
  await client.publish(Array.from({ length: 50 }, () => ({ topic: 'orders' })));
  expect(await theirs.take(5)).toHaveLength(5);
  const settled = new Set<string>();
  const count = () => one.received.length + two.received.length;
  // It goes on as they are settled, and never holds more.
  for (let acked = 0; acked < 100; acked += 5) {
    await until(async () => expect(count()).toBe(acked + 5), 5_000);
    const open = [one, two].map((stream) => ({ stream, receipts: stream.received.map(({ receipt }) => receipt) }));
    for (const { stream, receipts } of open) {
      const fresh = receipts.filter((receipt) => !settled.has(receipt));
      for (const receipt of fresh) settled.add(receipt);
      if (fresh.length > 0) await stream.ack(fresh);
    }
  }
});

test('MaxUnsettledBytesPerClient pauses delivery by bytes, and lets one message of any size pass', async () => {
  const { client } = await start({ MaxUnsettledBytesPerClient: 100_000 });
  const stream = await client.subscribe('orders', 'a');
  const body = Buffer.alloc(30_000);
  await client.publish(Array.from({ length: 20 }, (_, n) => ({ topic: 'orders', id: `${n}`, body })));
  await client.publishOne({ topic: 'orders', id: 'large', body: Buffer.alloc(3_000_000) });
  for (let round = 1; round <= 5; round++) {
    const open = await stream.take(4);
    expect(stream.received).toHaveLength(round * 4);
    await stream.ack(open.map(({ receipt }) => receipt));
  }
  expect((await stream.next()).body).toHaveLength(3_000_000);
});

test('a pull answers with no more than a stock client takes, and with a single message of any size', async () => {
  const { client } = await start({});
  await client.makeChannel('orders', 'a');
  await client.publishOne({ topic: 'orders', id: 'large', body: Buffer.alloc(3_000_000) });
  for (let n = 0; n < 4; n++) {
    await client.publish(Array.from({ length: 100 }, () => ({ topic: 'orders', body: Buffer.alloc(10_000) })));
  }
  expect((await client.pull('orders', 'a', { max: 1_000 })).map(({ id }) => id)).toEqual(['large']);
  let left = 400;
  while (left > 0) {
    const batch = await client.pull('orders', 'a', { max: 1_000 });
    expect(batch.length).toBeGreaterThan(0);
    expect(batch.length * 10_000).toBeLessThan(2_200_000);
    left -= batch.length;
  }
  expect(left).toBe(0);
});

test.each(['embedded', 'cluster'] as const)(
  'MaxHeldBytes bounds what a gateway takes from the broker for all channels together, and none stands still, %s',
  async (engine) => {
    const gateway = await startGateway(engine, { MaxHeldBytes: 4_194_304 });
    const client = connect(gateway);
    for (const channel of ['a', 'b', 'c']) await client.makeChannel('orders', channel);
    for (let n = 0; n < 20; n++) {
      await client.publish(Array.from({ length: 50 }, () => ({ topic: 'orders', body: Buffer.alloc(10_000) })));
    }
    // The first ones keep all that they get.
    const greedy = [await client.subscribe('orders', 'a', { credit: 1_000 })];
    greedy.push(await client.subscribe('orders', 'b', { credit: 1_000 }));
    const held = () => greedy.reduce((sum, { received }) => sum + received.length * 10_000, 0);
    await until(async () => expect(held()).toBeGreaterThan(2_000_000), 10_000);
    const late = await client.subscribe('orders', 'c', { credit: 1_000 });
    for (let taken = 0; taken < 1_000; ) {
      const batch = [await late.next()];
      await late.ack(batch.map(({ receipt }) => receipt));
      taken += batch.length;
    }
    expect(held()).toBeLessThan(12_000_000);
  },
);
