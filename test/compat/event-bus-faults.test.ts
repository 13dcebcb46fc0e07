import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectToRabbit } from 'amqplib';
import { describe, expect, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Engine, gatewayGroup } from '../support/gateway.js';
import { startRabbit } from '../support/services.js';
import { drainQueue, eventually, mqClient, outcome, type Queues, type Taken } from './mq-client.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
/** Long enough that whatever waits for a lease is seen to come too late. */
const SETTINGS = { NackdJobNextRunDelaySeconds: 1, MaxJobRunningSeconds: 60, DLMExpiration: 2 };

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

/** Runs the work for each item, at most `width` at once. */
async function inParallel<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

function takeAll(queues: Queues, queue: string, count: number): Promise<Taken[]> {
  return inParallel(numbers(count), 32, () => queues.subscribe(queue));
}

/** What a process has used so far, in milliseconds of a core. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

describe('fault 1: OK that is not durable', () => {
  test.each(['stop', 'kill'] as const)(
    'what was accepted or acked outlives a broker that is restarted (%s)',
    async (how) => {
      const rabbit = await startRabbit();
      const group = await gatewayGroup('cluster', { rabbitmq: rabbit.url });
      const gateway = await group.start(SETTINGS);
      const { queues } = mqClient(gateway.rpcUrl);
      await inParallel(numbers(1_000), 64, (data) => queues.publish('q', data));
      const acked = await inParallel(numbers(200), 32, async () => {
        const { id, data } = await queues.subscribe('q');
        await queues.ack(id);
        return data;
      });
      // RabbitMQ 3.10 forgets quorum queues that are younger than a few seconds when it gets SIGKILL: a fault of its own.
      await delay(how === 'kill' ? 7_000 : 0);
      await rabbit[how]();
      await rabbit.start();
      await gateway.kill();
      await gateway.start();
      const after = mqClient(gateway.rpcUrl);
      const rest = await eventually(() => drainQueue(after.queues, 'q', 3_000));
      expect([...new Set([...acked, ...rest])].length).toBe(1_000);
      expect(rest.filter((data) => acked.includes(data))).toEqual([]);
    },
  );

  test('what was accepted or acked outlives an embedded gateway that is killed', async () => {
    const gateway = await (await gatewayGroup('embedded')).start(SETTINGS);
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(500), 64, (data) => queues.publish('q', data));
    const acked = await inParallel(numbers(100), 32, async () => {
      const { id, data } = await queues.subscribe('q');
      await queues.ack(id);
      return data;
    });
    await gateway.kill();
    await gateway.start();
    const rest = await drainQueue(mqClient(gateway.rpcUrl).queues, 'q', 2_000);
    expect([...acked, ...rest].sort()).toEqual(numbers(500).sort());
  });
});

describe.each(ENGINES)('on the %s engine', (engine) => {
  const start = async () => {
    const group = await gatewayGroup(engine);
    return { group, gateway: await group.start(SETTINGS) };
  };

  test('fault 2: the first subscribe on a fresh queue neither hangs nor strands its message', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(60), 12, async (number) => {
      const queue = `fresh-${number}`;
      const [taken] = await Promise.all([queues.subscribe(queue), queues.publish(queue, number)]);
      expect(taken).toMatchObject({ data: number, queue });
      await queues.ack(taken.id);
    });
  });

  test('fault 3: 64 nacks at once on a cold gateway are answered, and so are later ones', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(65), 65, (data) => queues.publish('q', data));
    const [last, ...taken] = await takeAll(queues, 'q', 65);
    await gateway.kill();
    await gateway.start();
    const cold = mqClient(gateway.rpcUrl).queues;
    await Promise.all(taken.map(({ id }) => cold.nack(id)));
    await cold.nack(last?.id ?? '');
    expect((await drainQueue(cold, 'q', 3_000)).sort()).toEqual(numbers(65).sort());
  });

  test('fault 4: a delayed message for a queue with a long name harms neither the others nor the next start', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    const names = ['n'.repeat(60), 'n'.repeat(128), 'short'];
    for (const queue of names) await queues.publish(queue, queue, { delaySeconds: 1 });
    for (const queue of names) expect(await queues.subscribe(queue)).toMatchObject({ data: queue, queue });
    for (const queue of names) await queues.publish(queue, queue, { delaySeconds: 2 });
    await gateway.kill();
    await gateway.start();
    const after = mqClient(gateway.rpcUrl).queues;
    for (const queue of names) expect(await after.subscribe(queue)).toMatchObject({ data: queue });
  });

  test('fault 5: what mq clients can not read ends dead, and makes no loop', async () => {
    const { gateway } = await start();
    const { queues, topics } = mqClient(gateway.rpcUrl);
    const bus = new BusClient(gateway.rpcUrl);
    await outcome(queues.subscribe('q', 100));
    await bus.publish([{ topic: 'q', body: Uint8Array.of(0xff, 0xfe, 0x80) }]);
    bus.close();
    await queues.publish('q', 'good');
    expect(await queues.subscribe('q')).toMatchObject({ data: 'good' });
    for (const name of ['ü', 'a b', 'a/b', '*', '#', '\u0000', 'n'.repeat(129)]) {
      expect(await outcome(queues.publish(name, 'x'))).toMatchObject({
        code: 3,
        details: expect.stringContaining('queue'),
      });
      expect(await outcome(queues.subscribe(name))).toMatchObject({ code: 3 });
      expect(await outcome(topics.subscribe(name, 'a'))).toMatchObject({
        code: 3,
        details: expect.stringContaining('topic'),
      });
    }
    expect(await outcome(topics.subscribe('t', 'n'.repeat(65)))).toMatchObject({ code: 3 });
    const waiting = queues.wait('q');
    const before = cpuMs(gateway.pid ?? 0);
    await delay(2_000);
    expect(cpuMs(gateway.pid ?? 0) - before).toBeLessThan(700);
    waiting.cancel();
    await outcome(waiting.answer);
  });

  test('fault 7: a nack right after its message was taken waits for the delay of a nack, not for the lease', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(100), 50, (data) => queues.publish('q', data));
    await inParallel(numbers(100), 50, async () => {
      const { id } = await queues.subscribe('q');
      await queues.nack(id);
    });
    const nackedAt = Date.now();
    const again = await takeAll(queues, 'q', 100);
    expect(Date.now() - nackedAt).toBeLessThan(20_000);
    expect(new Set(again.map(({ data }) => data)).size).toBe(100);
  });

  test('fault 8: a gateway that is killed while delayed messages become due stalls none of them', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(300), 50, (data) => queues.publish('q', data, { delaySeconds: 1 + (Number(data) % 3) }));
    for (let kill = 0; kill < 3; kill++) {
      await delay(300);
      await gateway.kill();
      await gateway.start();
    }
    const from = Date.now();
    const after = mqClient(gateway.rpcUrl).queues;
    const seen = new Set<string>();
    while (seen.size < 300 && Date.now() - from < 60_000) {
      for (const data of await drainQueue(after, 'q', 1_000)) seen.add(data);
    }
    expect(seen.size).toBe(300);
  });

  test('fault 10: a queue name of 300 characters is refused, and long ones that differ at the end are two', async () => {
    const { gateway } = await start();
    const { queues } = mqClient(gateway.rpcUrl);
    expect(await outcome(queues.publish('n'.repeat(300), 'x'))).toEqual({
      code: 3,
      details: 'queue has 300 characters: it takes 1 to 128 characters of A-Z a-z 0-9 . _ : @ -',
    });
    const [one, two] = [`${'n'.repeat(127)}1`, `${'n'.repeat(127)}2`];
    await queues.publish(one, 'first');
    await queues.publish(two, 'second');
    expect(await drainQueue(queues, two)).toEqual(['second']);
    expect(await drainQueue(queues, one)).toEqual(['first']);
  });
});

describe('on RabbitMQ', () => {
  test('fault 5: messages of strangers on a queue are delivered or dead, and make no loop', async () => {
    const group = await gatewayGroup('cluster');
    const gateway = await group.start({ ...SETTINGS, RetryTimes: 0 });
    const { queues } = mqClient(gateway.rpcUrl);
    await outcome(queues.subscribe('q', 100));
    const rabbit = await connectToRabbit(group.space?.services.rabbitmq ?? '');
    try {
      const channel = await rabbit.createConfirmChannel();
      const queue = `${group.space?.prefix}/q/default`;
      channel.sendToQueue(queue, Buffer.from('plain text'), { persistent: true });
      channel.sendToQueue(queue, Buffer.of(0xff, 0x00), { persistent: true });
      channel.sendToQueue(queue, Buffer.from('{"broken'), {
        contentType: 'application/x-waybill-frame',
        messageId: '',
      });
      await channel.waitForConfirms();
    } finally {
      await rabbit.close();
    }
    expect((await drainQueue(queues, 'q', 2_000)).sort()).toEqual(['plain text', '{"broken']);
    await queues.publish('q', 'after');
    expect(await queues.subscribe('q')).toMatchObject({ data: 'after' });
    const before = cpuMs(gateway.pid ?? 0);
    await delay(2_000);
    expect(cpuMs(gateway.pid ?? 0) - before).toBeLessThan(700);
  });

  test('fault 6: 2,100 queues are as good as one', async () => {
    const rabbit = await startRabbit();
    const group = await gatewayGroup('cluster', { rabbitmq: rabbit.url });
    // Classic, as 2,100 replicated queues are a load for this machine, not for the gateway.
    const gateway = await group.start({ ...SETTINGS, QueueType: 'classic' });
    const { queues } = mqClient(gateway.rpcUrl);
    await inParallel(numbers(2_100), 32, (number) => queues.publish(`many-${number}`, number, {}, 120_000));
    await inParallel(numbers(2_100), 32, async (number) => {
      const { id, data } = await queues.subscribe(`many-${number}`, 120_000);
      expect(data).toBe(number);
      await queues.ack(id);
    });
  }, 240_000);

  test('fault 9: a client that waits at one gateway is fed what another one has buffered', async () => {
    const group = await gatewayGroup('cluster');
    const [rich, hungry] = [await group.start(SETTINGS), await group.start(SETTINGS)];
    const one = mqClient(rich.rpcUrl).queues;
    const other = mqClient(hungry.rpcUrl).queues;
    await outcome(one.subscribe('q', 100));
    await inParallel(numbers(400), 64, (data) => one.publish('q', data));
    // One gateway goes on being polled, slowly, so that it keeps its buffer.
    const slow = (async () => {
      const taken: string[] = [];
      for (let i = 0; i < 10; i++) {
        const { id, data } = await one.subscribe('q');
        taken.push(data);
        await one.ack(id);
        await delay(200);
      }
      return taken;
    })();
    const from = Date.now();
    const first = await other.subscribe('q');
    expect(Date.now() - from).toBeLessThan(5_000);
    await other.ack(first.id);
    const rest = await drainQueue(other, 'q', 4_000);
    expect([first.data, ...rest, ...(await slow)].sort()).toEqual(numbers(400).sort());
  });
});

test('a broker that is away is code 14, "server unavailable", and all goes on when it is back', async () => {
  const rabbit = await startRabbit();
  const gateway = await (await gatewayGroup('cluster', { rabbitmq: rabbit.url })).start(SETTINGS);
  const { queues, topics } = mqClient(gateway.rpcUrl);
  const away = { code: 14, details: 'server unavailable' };
  await queues.publish('q', 'before');
  const { id } = await queues.subscribe('q');
  const waiting = outcome(queues.subscribe('q', 6_000));
  await rabbit.stop();
  expect(await outcome(queues.publish('q', 'x', {}, 2_000))).toEqual(away);
  expect(await outcome(queues.publish('never-used', 'x', {}, 2_000))).toEqual(away);
  expect(await outcome(queues.subscribe('q', 3_000))).toEqual(away);
  expect(await outcome(topics.subscribe('t', 'a', 3_000))).toEqual(away);
  expect(await waiting).toEqual(away);
  // What was taken is in the ledger, and needs no broker.
  expect(await outcome(queues.ack(id))).toMatchObject({ code: 0 });
  await rabbit.start();
  await eventually(() => queues.publish('q', 'after', {}, 2_000));
  expect(await drainQueue(queues, 'q', 2_000)).toContain('after');
});
