import { createConnection } from 'mysql2/promise';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { drainQueue, type MqClient, mqClient, outcome, type Taken } from './mq-client.js';

const OK = { code: 0, details: '' };
const EMPTY = { code: 2, details: "queue and data can't empty" };
const NACK_MS = 1_000;
const LEASE_MS = 2_000;

/** The behaviour table of event-bus, row by row. Each test uses queues of its own. */
describe.each<Engine>(['embedded', 'cluster'])('a client of event-bus on the %s engine', (engine) => {
  let group: GatewayGroup;
  let gateway: Gateway;
  let queueNumber = 0;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    gateway = await group.start({ NackdJobNextRunDelaySeconds: 1, MaxJobRunningSeconds: 2, RetryTimes: 3 });
    return () => group.remove();
  });

  const connect = (): MqClient => mqClient(gateway.rpcUrl);
  const newName = (): string => `q${++queueNumber}`;

  describe('Mq', () => {
    test('publishes, takes and acks', async () => {
      const { queues } = connect();
      const queue = newName();
      await queues.publish(queue, 'grüße, 世界 🚀');
      const taken = await queues.subscribe(queue);
      expect(taken).toEqual({ id: expect.stringMatching(/^[0-9a-z]{20}$/), data: 'grüße, 世界 🚀', queue });
      await queues.ack(taken.id);
      expect(await outcome(queues.subscribe(queue, LEASE_MS + NACK_MS))).toMatchObject({ code: 4 });
    });

    test('keeps what was published before the first consumer, in order', async () => {
      const { queues } = connect();
      const queue = newName();
      for (const data of ['1', '2', '3']) await queues.publish(queue, data);
      expect(await drainQueue(queues, queue)).toEqual(['1', '2', '3']);
    });

    test('waits for a message that is published later, also without a deadline', async () => {
      const { queues } = connect();
      const queue = newName();
      const waiting = [queues.wait(queue), queues.wait(queue)];
      await queues.publish(queue, 'a');
      await queues.publish(queue, 'b');
      const taken = await Promise.all(waiting.map(({ answer }) => answer));
      expect(taken.map(({ data }) => data).sort()).toEqual(['a', 'b']);
    });

    test('gives a message that nobody took to the next consumer when a waiting one goes away', async () => {
      const { queues } = connect();
      const queue = newName();
      const gone = queues.wait(queue);
      const late = outcome(gone.answer);
      await outcome(queues.subscribe(queue, 200));
      gone.cancel();
      expect(await late).toMatchObject({ code: 1 });
      await queues.publish(queue, 'x');
      expect(await queues.subscribe(queue)).toMatchObject({ data: 'x' });
    });

    test('delivers a delayed message no sooner than it is due', async () => {
      const { queues } = connect();
      const queue = newName();
      const from = Date.now();
      await queues.publish(queue, 'later', { delaySeconds: 1 });
      expect(await queues.subscribe(queue)).toMatchObject({ data: 'later' });
      expect(Date.now() - from).toBeGreaterThanOrEqual(1_000);
    });

    test('lets a message expire that is not taken in time, counted from when it is due', async () => {
      const { queues } = connect();
      const queue = newName();
      await queues.publish(queue, 'gone', { ExpirationSeconds: 1 });
      await queues.publish(queue, 'stays', { ExpirationSeconds: 3_600 });
      await queues.publish(queue, 'due', { delaySeconds: 1, ExpirationSeconds: 3_600 });
      await outcome(connect().queues.subscribe(`${queue}-none`, 1_600));
      expect((await drainQueue(queues, queue)).sort()).toEqual(['due', 'stays']);
    });

    test.each([
      ['publish', {}],
      ['delayPublish', { delaySeconds: 1 }],
    ])('refuses %s without queue or data', async (_, options) => {
      const { queues, topics } = connect();
      expect(await outcome(queues.publish('', 'x', options))).toEqual(EMPTY);
      expect(await outcome(queues.publish('q', '', options))).toEqual(EMPTY);
      expect(await outcome(topics.publish('', 'x', options))).toEqual(EMPTY);
      expect(await outcome(topics.publish('t', '', options))).toEqual(EMPTY);
    });

    test('refuses data over the limit with code 8, and takes what is just within', async () => {
      const { queues } = connect();
      const queue = newName();
      const limit = 4 * 1024 * 1024;
      expect(await outcome(queues.publish(queue, 'x'.repeat(limit + 1)))).toMatchObject({ code: 8 });
      expect(await outcome(queues.publish(queue, 'x'.repeat(2 * limit)))).toMatchObject({ code: 8 });
      // With its id and the name of the queue, the answer is no larger than stock clients take.
      const largest = limit - 256;
      expect(await outcome(queues.publish(queue, 'x'.repeat(largest + 1)))).toMatchObject({ code: 8 });
      await queues.publish(queue, 'x'.repeat(largest));
      expect((await queues.subscribe(queue)).data).toHaveLength(largest);
    });

    test('refuses times over ten years, naming the field', async () => {
      const { queues } = connect();
      const year = 365 * 24 * 3_600;
      const delayed = await outcome(queues.publish('q', 'x', { delaySeconds: 11 * year }));
      expect(delayed).toMatchObject({ code: 3, details: expect.stringContaining('delaySeconds') });
      const expiring = await outcome(queues.publish('q', 'x', { ExpirationSeconds: 11 * year }));
      expect(expiring).toMatchObject({ code: 3, details: expect.stringContaining('ExpirationSeconds') });
      const both = await outcome(queues.publish('q', 'x', { delaySeconds: 6 * year, ExpirationSeconds: 6 * year }));
      expect(both).toMatchObject({ code: 3, details: expect.stringContaining('ExpirationSeconds') });
    });
  });

  describe('MqTopic', () => {
    test('gives each queue its copy, and a retry to the queue that nacked alone', async () => {
      const { topics } = connect();
      const topic = newName();
      await outcome(topics.subscribe(topic, 'a', 100));
      await outcome(topics.subscribe(topic, 'b', 100));
      await topics.publish(topic, 'x');
      const a = await topics.subscribe(topic, 'a');
      const b = await topics.subscribe(topic, 'b');
      expect([a, b]).toMatchObject([
        { data: 'x', queue: 'a' },
        { data: 'x', queue: 'b' },
      ]);
      await topics.ack(b.id);
      await topics.nack(a.id);
      const again = await topics.subscribe(topic, 'a');
      expect(again).toMatchObject({ data: 'x', queue: 'a' });
      expect(again.id).not.toBe(a.id);
      await topics.ack(again.id);
      expect(await outcome(topics.subscribe(topic, 'b', NACK_MS))).toMatchObject({ code: 4 });
    });

    test('keeps for the first queue what was published before there was one, delayed or not', async () => {
      const { topics } = connect();
      const topic = newName();
      await topics.publish(topic, 'now');
      await topics.publish(topic, 'later', { delaySeconds: 1 });
      const first = await topics.subscribe(topic, 'a');
      const second = await topics.subscribe(topic, 'a');
      expect([first.data, second.data]).toEqual(['now', 'later']);
    });
  });

  describe('settling', () => {
    async function take(client: MqClient): Promise<Taken & { readonly from: string }> {
      const queue = newName();
      await client.queues.publish(queue, 'x');
      return { ...(await client.queues.subscribe(queue)), from: queue };
    }

    test.each(['', 'unknown', 'a'.repeat(20), "a'; DROP TABLE aliases; --", 'ÿ'.repeat(20), 'a'.repeat(200)])(
      'takes an id that nobody has for settled: %j',
      async (id) => {
        const { queues, topics } = connect();
        expect(await outcome(queues.ack(id))).toEqual(OK);
        expect(await outcome(queues.nack(id))).toEqual(OK);
        expect(await outcome(topics.ack(id))).toEqual(OK);
        expect(await outcome(topics.nack(id))).toEqual(OK);
      },
    );

    test('answers OK to a repeated ack, and refuses a nack after it', async () => {
      const client = connect();
      const { id, from } = await take(client);
      expect(await outcome(client.queues.ack(id))).toEqual(OK);
      expect(await outcome(client.queues.ack(id))).toEqual(OK);
      expect(await outcome(client.queues.nack(id))).toEqual({ code: 2, details: 'already acked' });
      expect(await outcome(client.topics.nack(id))).toEqual({ code: 2, details: 'already acked' });
      expect(await outcome(client.queues.subscribe(from, LEASE_MS + NACK_MS))).toMatchObject({ code: 4 });
    });

    test('answers OK to a repeated nack and to an ack after it, and the message comes again once', async () => {
      const client = connect();
      const { id, from } = await take(client);
      const nackedAt = Date.now();
      expect(await outcome(client.queues.nack(id))).toEqual(OK);
      expect(await outcome(client.queues.nack(id))).toEqual(OK);
      expect(await outcome(client.queues.ack(id))).toEqual(OK);
      const again = await client.queues.subscribe(from);
      expect(Date.now() - nackedAt).toBeGreaterThanOrEqual(NACK_MS);
      expect(again).toMatchObject({ data: 'x' });
      expect(again.id).not.toBe(id);
      // The id before is over: it settles nothing any more.
      expect(await outcome(client.queues.nack(id))).toEqual(OK);
      expect(await outcome(client.queues.ack(id))).toEqual(OK);
      expect(await outcome(client.queues.ack(again.id))).toEqual(OK);
      expect(await drainQueue(client.queues, from, LEASE_MS + NACK_MS)).toEqual([]);
    });

    test('lets one win when ack and nack come together', async () => {
      const client = connect();
      const rounds = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const { id, from } = await take(client);
          const [ack, nack] = await Promise.all([outcome(client.queues.ack(id)), outcome(client.queues.nack(id))]);
          expect(ack).toEqual(OK);
          const again = await drainQueue(client.queues, from, NACK_MS + 2_000);
          return { nacked: nack.code === 0, again: again.length };
        }),
      );
      for (const { nacked, again } of rounds) expect(again).toBe(nacked ? 1 : 0);
    });

    test('delivers again what was taken and never settled, when MaxJobRunningSeconds are over', async () => {
      const client = connect();
      const takenAt = Date.now();
      const { id, from } = await take(client);
      const again = await client.queues.subscribe(from);
      const after = Date.now() - takenAt;
      expect(after).toBeGreaterThanOrEqual(LEASE_MS);
      // Sooner than after a lease and a nack's delay together.
      expect(after).toBeLessThan(LEASE_MS + 2_500);
      expect(again.id).not.toBe(id);
      await client.queues.ack(again.id);
    });

    test('delivers four times with RetryTimes 3, and never again', async () => {
      const client = connect();
      const { id, from } = await take(client);
      const ids = [id];
      await client.queues.nack(id);
      for (let delivery = 2; delivery <= 4; delivery++) {
        const again = await client.queues.subscribe(from);
        ids.push(again.id);
        await client.queues.nack(again.id);
      }
      expect(new Set(ids).size).toBe(4);
      expect(await outcome(client.queues.subscribe(from, 3 * NACK_MS))).toMatchObject({ code: 4 });
    });
  });

  test('settles an id of before a restart, on the cluster engine through another gateway', async () => {
    const own = await gatewayGroup(engine);
    const settings = { NackdJobNextRunDelaySeconds: 1, DLMExpiration: 2 };
    const first = await own.start(settings);
    const before = mqClient(first.rpcUrl);
    for (const data of ['acked', 'nacked']) await before.queues.publish('q', data);
    const [one, two] = [await before.queues.subscribe('q'), await before.queues.subscribe('q')];
    await first.kill();
    if (engine === 'embedded') await first.start();
    const { queues } = mqClient(engine === 'embedded' ? first.rpcUrl : (await own.start(settings)).rpcUrl);
    await queues.ack(one.id);
    await queues.nack(two.id);
    expect(await outcome(queues.nack(one.id))).toMatchObject({ code: 2 });
    expect(await queues.subscribe('q')).toMatchObject({ data: 'nacked' });
    expect(await outcome(queues.subscribe('q', 2 * NACK_MS))).toMatchObject({ code: 4 });
  });

  test('is told "server unavailable" by a gateway that shuts down, also while it waits', async () => {
    const own = await (await gatewayGroup(engine)).start();
    const { queues } = mqClient(own.rpcUrl);
    const waiting = queues.wait('q');
    const answer = outcome(waiting.answer);
    await outcome(queues.subscribe('q', 500));
    const stopped = own.stop();
    expect(await answer).toEqual({ code: 14, details: 'server unavailable' });
    await stopped;
  });

  test('sees real counts at /stats', async () => {
    const own = await (await gatewayGroup(engine)).start();
    const { queues } = mqClient(own.rpcUrl);
    const stats = async () => (await fetch(`${own.httpUrl}/stats`)).text();
    expect(await stats()).toBe('Consumers: 0, Producers: 0, Queues: 0, Unsettled: 0\n');
    const waiting = [queues.wait('a'), queues.wait('a'), queues.wait('b')];
    await expect.poll(stats).toMatch(/^Consumers: 3, Producers: \d+, Queues: 2, /);
    for (const { cancel } of waiting) cancel();
    await Promise.all(waiting.map(({ answer }) => outcome(answer)));
    await expect.poll(stats).toMatch(/^Consumers: 0, Producers: 0, Queues: 0, /);
  });

  test('finds / and /ping as they were', async () => {
    expect(await (await fetch(`${gateway.httpUrl}/`)).json()).toEqual({ success: true });
    expect(await (await fetch(`${gateway.httpUrl}/ping`)).text()).toBe('pong');
  });
});

test('MySQL remembers which delivery of a message came before', async () => {
  const group = await gatewayGroup('cluster');
  const gateway = await group.start({ NackdJobNextRunDelaySeconds: 0 });
  const { queues } = mqClient(gateway.rpcUrl);
  await queues.publish('q', 'x');
  const ids: string[] = [];
  for (let delivery = 1; delivery <= 3; delivery++) {
    const { id } = await queues.subscribe('q');
    ids.push(id);
    await queues.nack(id);
  }
  const database = await createConnection(group.space?.databaseUrl ?? '');
  try {
    const [rows] = await database.query('SELECT alias, ref, attempt FROM aliases ORDER BY attempt');
    expect(rows).toEqual(ids.map((alias, i) => ({ alias, ref: ids[i - 1] ?? '', attempt: i + 1 })));
  } finally {
    await database.end();
  }
});
