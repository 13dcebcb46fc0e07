import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Engine, gatewayGroup } from '../support/gateway.js';
import { drainQueue, mqClient, outcome } from './mq-client.js';

/** What each key of an event-bus config does here, or says. */
describe.each<Engine>(['embedded', 'cluster'])('the settings of event-bus on the %s engine', (engine) => {
  const start = async (settings: Record<string, number | boolean>) => {
    const group = await gatewayGroup(engine);
    const gateway = await group.start(settings);
    return { group, gateway, ...mqClient(gateway.rpcUrl) };
  };

  test('PrefetchCount bounds the frames that a gateway holds unsettled for a channel', async () => {
    const { gateway, queues } = await start({ PrefetchCount: 2, FrameMaxMessages: 1 });
    const bus = new BusClient(gateway.rpcUrl);
    try {
      const consumer = await bus.subscribe('t', 'c', { credit: 100 });
      await bus.publish(Array.from({ length: 10 }, (_, i) => ({ topic: 't', body: `${i}` })));
      const [one] = await consumer.take(2);
      await outcome(queues.subscribe('none', 700));
      expect(consumer.received).toHaveLength(2);
      await consumer.ack([one?.receipt ?? '']);
      await consumer.take(1);
    } finally {
      bus.close();
    }
  });

  test.each([
    [0, 1],
    [1, 2],
  ])('RetryTimes %i makes %i deliveries', async (RetryTimes, deliveries) => {
    const { queues } = await start({ RetryTimes, NackdJobNextRunDelaySeconds: 0 });
    await queues.publish('q', 'x');
    for (let delivery = 1; delivery <= deliveries; delivery++) await queues.nack((await queues.subscribe('q')).id);
    expect(await outcome(queues.subscribe('q', 1_000))).toMatchObject({ code: 4 });
  });

  test('NackdJobNextRunDelaySeconds is the delay after a nack', async () => {
    const { queues } = await start({ NackdJobNextRunDelaySeconds: 2 });
    await queues.publish('q', 'x');
    await queues.nack((await queues.subscribe('q')).id);
    expect(await outcome(queues.subscribe('q', 1_500))).toMatchObject({ code: 4 });
    expect(await queues.subscribe('q')).toMatchObject({ data: 'x' });
  });

  test('MaxJobRunningSeconds is how long a client may hold a message, on both services', async () => {
    const { queues, topics } = await start({ MaxJobRunningSeconds: 2, NackdJobNextRunDelaySeconds: 600 });
    await queues.publish('q', 'x');
    await topics.publish('t', 'x');
    const from = Date.now();
    await Promise.all([queues.subscribe('q'), topics.subscribe('t', 'a')]);
    await Promise.all([queues.subscribe('q'), topics.subscribe('t', 'a')]);
    expect(Date.now() - from).toBeGreaterThanOrEqual(2_000);
  });

  test('CronRepublishEnabled: false leaves it to other nodes to end leases', async () => {
    const settings = { MaxJobRunningSeconds: 1, DLMExpiration: 1 };
    const { group, gateway, queues } = await start({ ...settings, CronRepublishEnabled: false });
    await queues.publish('q', 'x');
    await queues.subscribe('q');
    expect(await outcome(queues.subscribe('q', 3_000))).toMatchObject({ code: 4 });
    if (engine === 'embedded') return;
    await group.start(settings);
    expect(await mqClient(gateway.rpcUrl).queues.subscribe('q')).toMatchObject({ data: 'x' });
  });

  test('CronDelayPublishEnabled: false leaves delayed messages and retries to other nodes', async () => {
    const settings = { NackdJobNextRunDelaySeconds: 0, DLMExpiration: 1 };
    const { group, queues } = await start({ ...settings, CronDelayPublishEnabled: false });
    await queues.publish('q', 'retry');
    await queues.nack((await queues.subscribe('q')).id);
    await queues.publish('q', 'later', { delaySeconds: 1 });
    expect(await outcome(queues.subscribe('q', 2_500))).toMatchObject({ code: 4 });
    if (engine === 'embedded') return;
    await group.start(settings);
    expect((await drainQueue(queues, 'q', 4_000)).sort()).toEqual(['later', 'retry']);
  });

  test('EachQueueConsumerNum, EachQueueProducerNum and BackgroundConsumerEnabled say once why they have no effect', async () => {
    const { gateway } = await start({
      EachQueueConsumerNum: 9,
      EachQueueProducerNum: 9,
      BackgroundConsumerEnabled: false,
    });
    for (const key of ['EachQueueConsumerNum', 'EachQueueProducerNum', 'BackgroundConsumerEnabled']) {
      expect(gateway.log().split(`${key} has no effect: `)).toHaveLength(2);
    }
  });
});

test('BackConsumerGoroutineNum bounds the connections to the database', async () => {
  const group = await gatewayGroup('cluster');
  const gateway = await group.start({ BackConsumerGoroutineNum: 2 });
  const { queues } = mqClient(gateway.rpcUrl);
  const database = await createConnection(group.space?.databaseUrl ?? '');
  try {
    const counted: number[] = [];
    const count = async () => {
      const [rows] = await database.query<({ count: number } & RowDataPacket)[]>(
        'SELECT COUNT(*) AS count FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
      );
      counted.push(rows[0]?.count ?? 0);
    };
    await Promise.all(
      Array.from({ length: 32 }, async (_, client) => {
        for (let i = 0; i < 10; i++) {
          await queues.publish(`q${client}`, `${i}`, { delaySeconds: i % 2 });
          await queues.ack((await queues.subscribe(`q${client}`)).id);
          if (client === 0) await count();
        }
      }),
    );
    expect(Math.max(...counted)).toBeGreaterThan(0);
    expect(Math.max(...counted)).toBeLessThanOrEqual(2);
  } finally {
    await database.end();
  }
});
