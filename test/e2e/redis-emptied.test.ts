import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { gatewayGroup } from '../support/gateway.js';
import { type Service, startRedis } from '../support/services.js';
import { until } from '../support/until.js';

/** These tests empty it. */
let redis: Service;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.remove());

const TOPIC = 'orders';
const CHANNEL = 'billing';

test.each(['flushed', 'restarted', 'restarted with the gateway'])(
  'with Redis %s, a publish that is made again under its id makes no second message after the ack of the first',
  async (how) => {
    const group = await gatewayGroup('cluster', { redis: redis.url });
    let gateway = await group.start();
    const connected = async () => {
      const client = new BusClient(gateway.rpcUrl);
      onTestFinished(() => client.close());
      return client;
    };
    let client = await connected();
    const id = randomUUID();
    let stream = await client.subscribe(TOPIC, CHANNEL);
    await client.publishOne({ topic: TOPIC, id });
    const first = await stream.next();
    expect([first.id, await stream.ack([first.receipt])]).toEqual([id, ['ok']]);

    if (how === 'flushed') {
      const other = new Redis(redis.url);
      await other.flushall();
      other.disconnect();
    } else {
      await redis.kill();
      if (how !== 'restarted') await gateway.stop();
      await redis.start();
      if (how !== 'restarted') {
        gateway = await group.start();
        client = await connected();
        stream = await client.subscribe(TOPIC, CHANNEL);
      }
    }

    await until(async () => expect((await fetch(`${gateway.httpUrl}/readyz`)).status).toBe(200), 20_000);
    // As a client does that lost the answer.
    await client.publishOne({ topic: TOPIC, id });
    const marker = await client.publishOne({ topic: TOPIC });
    expect((await stream.next()).id).toBe(marker.id);
  },
);
