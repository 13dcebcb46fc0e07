import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../until.js';
import { RabbitCluster } from './rabbitmq-cluster.js';

let cluster: RabbitCluster;

beforeAll(async () => {
  const at = performance.now();
  cluster = await RabbitCluster.start();
  console.info(`a RabbitMQ cluster of three nodes: ${Math.round(performance.now() - at)} ms`);
});

afterAll(() => cluster?.remove());

test('its nodes are one cluster, and a node that is cut off stops to serve until it is healed', async () => {
  const [one, two, three] = cluster.nodes;
  if (one === undefined || two === undefined || three === undefined) throw new Error('a node is missing');
  const connection = await connect(one.url);
  connection.on('error', () => {});
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  await channel.assertQueue('orders', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  const [queue] = await cluster.queues('orders');
  expect(queue).toMatchObject({ name: 'orders', leader: one.name });
  expect(queue?.members.toSorted()).toEqual(cluster.nodes.map(({ name }) => name));
  expect(queue?.online).toHaveLength(3);

  const closed = new Promise((resolve) => connection.once('close', resolve));
  await cluster.cutOff(one);
  await closed;
  await expect(connect(one.url)).rejects.toThrow();
  await until(async () => {
    const [moved] = await cluster.queues('orders', two);
    expect([two.name, three.name]).toContain(moved?.leader);
  }, 20_000);

  await cluster.heal(one);
  await until(async () => (await connect(one.url)).close(), 30_000);
  await cluster.whole(one);
});
