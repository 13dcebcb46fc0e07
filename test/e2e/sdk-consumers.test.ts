import { randomUUID } from 'node:crypto';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { type Bus, connect, type IdempotencyStore, idempotency, type Message, memoryStore } from '@waybill/sdk';
import { createInbox, inboxTables } from '@waybill/sdk/outbox';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { MYSQL } from '../outbox/libraries.js';
import { mysqlPlace } from '../outbox/places.js';
import { AdminClient } from '../support/admin-client.js';
import { type Engine, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { until } from '../support/until.js';

const LIMIT_MS = 30_000;
const Order = z.object({ number: z.number() });

describe.each(['embedded', 'cluster'] as const)('consumers of the SDK, %s', (engine: Engine) => {
  let group: GatewayGroup;
  let url: string;
  let bus: Bus;
  let admin: AdminClient;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    const gateway = await group.start();
    url = gateway.rpcUrl;
    bus = await connect(url);
    admin = new AdminClient(url);
  });
  afterAll(async () => {
    await bus?.close({ timeout: 0 });
    admin?.close();
    await group.remove();
  });

  /** Until so many are dead: what they are, and why. */
  function deadLetters(topic: string, count: number): Promise<{ id: string; reason: string }[]> {
    return until(async () => {
      const { dead } = await admin.call(Admin.method.listDead, { query: { topic } });
      expect(dead).toHaveLength(count);
      return dead.map(({ id, reason }) => ({ id, reason }));
    }, LIMIT_MS);
  }

  /** Until the channel has nothing left to deliver, and nothing that is being handled. */
  function emptied(topic: string, channel: string): Promise<void> {
    return until(async () => {
      const { channel: found } = await admin.call(Admin.method.getChannel, { topic, channel });
      expect(found?.depth).toMatchObject({ ready: 0n, inFlight: 0n, scheduled: 0n });
    }, LIMIT_MS);
  }

  test('a payload that fails its schema is a dead letter with the reason, and its handler never sees it', async () => {
    const topic = `orders.${randomUUID()}`;
    const seen: number[] = [];
    const subscription = bus.topic(topic, Order).subscribe('billing', (order) => seen.push(order.number));
    onTestFinished(() => subscription.stop());
    await subscription.ready;
    await bus.publish(topic, { number: 'seven' }, { id: 'bad' });
    await bus.publish(topic, 'no JSON', { id: 'worse' });
    await bus.topic(topic, Order).publish({ number: 7 });
    const dead = await deadLetters(topic, 2);
    expect(dead.find(({ id }) => id === 'bad')?.reason).toMatch(/^invalid payload: value\.number: .*number/);
    expect(dead.find(({ id }) => id === 'worse')?.reason).toBe('invalid payload: it is no JSON');
    await emptied(topic, 'billing');
    expect(seen).toEqual([7]);
  });

  test('a typed pattern consumes all its topics', async () => {
    const prefix = randomUUID();
    const seen: string[] = [];
    const orders = bus.topic(`${prefix}.*`, Order);
    const subscription = orders.subscribe('all', (order, { topic }) => seen.push(`${topic} ${order.number}`));
    onTestFinished(() => subscription.stop());
    await subscription.ready;
    await bus.topic(`${prefix}.eu`, Order).publish({ number: 1 });
    await bus.topic(`${prefix}.us`, Order).publish({ number: 2 });
    await expect(orders.publish({ number: 3 })).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      reason: 'TOPIC_INVALID',
    });
    await until(async () => expect(seen.toSorted()).toEqual([`${prefix}.eu 1`, `${prefix}.us 2`]), LIMIT_MS);
  });

  test('of a batch, one is rejected and the rest acked', async () => {
    const topic = randomUUID();
    const orders = bus.topic(topic, Order);
    const batches: number[][] = [];
    const subscription = orders.subscribeBatch(
      'billing',
      async (batch) => {
        batches.push(batch.map(({ value }) => value.number));
        for (const { value, message } of batch) if (value.number === 3) await message.reject('three is not allowed');
      },
      { size: 5, wait: '1m' },
    );
    onTestFinished(() => subscription.stop());
    await subscription.ready;
    await orders.publishMany(Array.from({ length: 10 }, (_, number) => ({ number })));
    expect(await deadLetters(topic, 1)).toMatchObject([{ reason: 'three is not allowed' }]);
    await emptied(topic, 'billing');
    expect(batches.map((batch) => batch.length)).toEqual([5, 5]);
    expect(batches.flat().toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a batch that throws comes again, apart from what it had settled', async () => {
    const topic = randomUUID();
    const seen: string[] = [];
    const subscription = bus.subscribeBatch(
      topic,
      'billing',
      async (messages) => {
        for (const message of messages) seen.push(`${message.id}.${message.attempt}`);
        const settled = messages.find(({ id }) => id === 'a');
        if (settled === undefined) return;
        await settled.ack();
        throw new Error('the database is away');
      },
      { size: 3, wait: '1m', retry: { maxRetries: 3, backoff: 0 } },
    );
    onTestFinished(() => subscription.stop());
    await subscription.ready;
    for (const id of ['a', 'b', 'c']) await bus.publish(topic, id, { id });
    await until(async () => expect(seen.toSorted()).toEqual(['a.1', 'b.1', 'c.1']), LIMIT_MS);
    // It fills the batch with the two that come again.
    await bus.publish(topic, 'd', { id: 'd' });
    await until(async () => expect(seen.slice(3).toSorted()).toEqual(['b.2', 'c.2', 'd.1']), LIMIT_MS);
    await emptied(topic, 'billing');
  });

  test('a message that comes again because its lease ended is handled once', async () => {
    const topic = randomUUID();
    const attempts: number[] = [];
    let handled = 0;
    const again = new Promise<void>((resolve) => {
      const subscription = bus.subscribe(
        topic,
        'billing',
        async () => {
          await again;
          handled++;
        },
        {
          concurrency: 2,
          lease: '1s',
          autoExtend: false,
          retry: { maxRetries: 3, backoff: 0 },
          middleware: [
            (message, next) => {
              attempts.push(message.attempt);
              if (message.attempt === 2) resolve();
              return next();
            },
            idempotency(memoryStore()),
          ],
        },
      );
      onTestFinished(() => subscription.stop());
    });
    await bus.publish(topic, 'a');
    await again;
    await emptied(topic, 'billing');
    expect(attempts).toEqual([1, 2]);
    expect(handled).toBe(1);
  });

  test('an inbox remembers what was done over lost acks, and not what failed', async () => {
    const topic = randomUUID();
    const place = await mysqlPlace();
    onTestFinished(() => place.remove());
    for (const statement of inboxTables('mysql')) await place.run(statement);
    const library = await MYSQL['mysql2/promise']?.(place.url);
    if (library === undefined) throw new Error('mysql2 is missing');
    onTestFinished(async () => void (await library.close()));
    const inbox = createInbox({ consumer: 'billing' });
    const store: IdempotencyStore = {
      async once(delivery, work) {
        let done: 'now' | 'before' = 'before';
        await library.transaction(async (tx) => {
          ({ done } = await inbox.once(tx, delivery, work));
        });
        return { done };
      },
    };
    const delivered: number[] = [];
    const handled: number[] = [];
    const subscription = bus.subscribe(
      topic,
      'billing',
      async ({ attempt, receipt }) => {
        handled.push(attempt);
        if (attempt === 1) throw new Error('no stock');
        // As when the ack is lost: the message comes again although its work is done.
        await bus.nack(receipt, { delay: 0 });
      },
      {
        retry: { maxRetries: 5, backoff: 0 },
        middleware: [
          (message, next) => {
            delivered.push(message.attempt);
            return next();
          },
          idempotency(store),
        ],
      },
    );
    onTestFinished(() => subscription.stop());
    await subscription.ready;
    await bus.publish(topic, 'a');
    await until(async () => expect(delivered).toHaveLength(3), LIMIT_MS);
    await emptied(topic, 'billing');
    expect(delivered).toEqual([1, 2, 3]);
    expect(handled).toEqual([1, 2]);
  });

  test('a stop gives to others at once what waited, while its handler goes on', async () => {
    const topic = randomUUID();
    const other = await connect(url);
    onTestFinished(() => other.close({ timeout: 0 }));
    const begun: Message[] = [];
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const handler = (message: Message) => {
      begun.push(message);
      return ended;
    };
    const subscription = bus.subscribe(topic, 'billing', handler, {
      credit: 10,
      retry: { maxRetries: 3, backoff: 0 },
    });
    await subscription.ready;
    await bus.publishMany(
      topic,
      Array.from({ length: 10 }, (_, n) => ({ body: 'a', id: `m${n}` })),
    );
    await until(async () => {
      const { channel } = await admin.call(Admin.method.getChannel, { topic, channel: 'billing' });
      expect(channel?.depth?.inFlight).toBe(10n);
    }, LIMIT_MS);
    const stopped = subscription.stop({ timeout: '5m' });
    const taken = new Set<string>();
    const heir = other.subscribe(topic, 'billing', (message) => void taken.add(message.id));
    onTestFinished(() => heir.stop());
    await until(async () => expect(taken.size).toBe(9), LIMIT_MS);
    expect(begun.map((message) => message.signal.aborted)).toEqual([false]);
    end();
    await stopped;
    await emptied(topic, 'billing');
    expect(begun).toHaveLength(1);
    expect(taken.has(begun[0]?.id ?? '')).toBe(false);
  });

  test('a stop keeps its bound: a handler that takes too long is told, and its message goes to others', async () => {
    const topic = randomUUID();
    const begun: Message[] = [];
    const handler = (message: Message) => {
      begun.push(message);
      return new Promise(() => {});
    };
    const subscription = bus.subscribe(topic, 'billing', handler, { retry: { maxRetries: 3, backoff: 0 } });
    await subscription.ready;
    await bus.publish(topic, 'a', { id: 'm' });
    await until(async () => expect(begun).toHaveLength(1), LIMIT_MS);
    await subscription.stop({ timeout: 100 });
    expect(begun[0]?.signal.reason).toMatchObject({ name: 'ClosedError' });
    const attempt = await new Promise<number>((resolve) => {
      const heir = bus.subscribe(topic, 'billing', (message) => resolve(message.attempt));
      onTestFinished(() => heir.stop());
    });
    expect(attempt).toBe(2);
    await emptied(topic, 'billing');
  });
});
