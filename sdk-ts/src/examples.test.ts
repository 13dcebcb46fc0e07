import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { TestingGateway } from './fixture/gateway.js';
import {
  connect,
  DeadlineError,
  idempotency,
  type LogEntry,
  logging,
  memoryStore,
  ReplyError,
  RetryAfter,
  StaleReceiptError,
  UnrecoverableError,
} from './index.js';
import { localBus } from './local/index.js';
import { testBus } from './testing/index.js';

/*
 * The examples of the README, run against a gateway. What stands between `#region` and `#endregion` is the README's text,
 * and the last test holds the two together.
 */
let gateway: TestingGateway;

const logger = { info: vi.fn((_entry: LogEntry, _text: string) => {}) };
const insertAll = vi.fn(async (_orders: readonly Order[]) => {});
const charge = vi.fn(async (_order: Order, _id?: string) => {});
const render = vi.fn(async (_job: string) => {});
const makeReport = vi.fn(async (_options: { signal: AbortSignal }) => 'report');
const storeReport = vi.fn(async (report: string, fence: number) => `${report} ${fence}`);
const save = vi.fn(async (_id: string | undefined) => {});
const show = vi.fn(async (..._what: unknown[]) => {});
const priceOf = vi.fn(async (_article: string): Promise<number | undefined> => 3);

interface Price {
  price: number;
}

interface Order {
  number: number;
}

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  vi.stubEnv('WAYBILL_URL', gateway.url);
});

afterEach(() => {
  vi.unstubAllEnvs();
  gateway.stop();
});

describe('the README', () => {
  it('publishes', async () => {
    // #region publish
    const bus = await connect(); // localhost:9091, or the environment's WAYBILL_URL

    const { id, outcome } = await bus.publish('orders', { number: 7 });
    await bus.publish('orders', 'plain text', { key: 'customer-1', headers: { source: 'shop' } });
    await bus.publish('reminders', { number: 7 }, { id: 'reminder-7', delay: '2h' });
    await bus.publishMany('orders', [{ number: 8 }, { body: { number: 9 }, key: 'customer-2' }]);

    await bus.cancel('reminders', 'reminder-7');
    await bus.close();
    // #endregion
    expect(id).toHaveLength(36);
    expect(outcome).toBe('parked');
    expect(gateway.publishes.flat()).toHaveLength(5);
  });

  it('subscribes', async () => {
    const bus = await connect();
    // #region subscribe
    const subscription = bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        const order = message.json<Order>();
        if (order.number < 0) throw new UnrecoverableError('no such order'); // a dead letter now
        if (order.number === 0) throw new RetryAfter('5m', 'not paid yet'); // again in five minutes
        await charge(order); // throws: again, as the retry policy says; returns: acked
      },
      { concurrency: 10, retry: { maxRetries: 5, backoff: { initial: '1s', max: '10m', jitter: 0.2 } } },
    );
    await subscription.ready; // from now on the channel keeps every message

    process.once('SIGTERM', () => void bus.close({ timeout: '20s' })); // handlers finish, acks are confirmed
    // #endregion
    await bus.publishMany('orders', [{ number: 7 }, { number: 0 }, { number: -1 }]);
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(gateway.store.settled.map((settled) => settled.kind).sort()).toEqual(['ack', 'nack', 'reject']);
    expect(charge).toHaveBeenCalledWith({ number: 7 });
    process.removeAllListeners('SIGTERM');
    await bus.close();
  });

  it('gives topics a type', async () => {
    const bus = await connect();
    // #region topic
    const Order = z.object({ number: z.int(), customer: z.string() });
    const orders = bus.topic('orders', Order);

    await orders.publish({ number: 7, customer: 'ann' }, { key: 'ann' }); // { number: '7' } would reject, and not compile
    orders.subscribe('billing', async (order, message) => {
      await charge(order, message.id); // { number: number; customer: string }, and checked
    });
    // #endregion
    await gateway.until(() => gateway.store.settled.length === 1);
    expect(charge).toHaveBeenCalledWith({ number: 7, customer: 'ann' }, expect.any(String));
    await bus.close();
  });

  it('handles batches', async () => {
    const bus = await connect();
    await bus.publishMany('orders', [{ number: 7 }, '', { number: 8 }]);
    // #region batch
    bus.subscribeBatch(
      'orders',
      'warehouse',
      async (messages) => {
        const orders: Order[] = [];
        for (const message of messages) {
          if (message.body.length > 0) orders.push(message.json());
          else await message.reject('empty'); // this one alone
        }
        await insertAll(orders); // throws: all others again; returns: all others acked
      },
      { size: 500, wait: '200ms' },
    );
    // #endregion
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(insertAll).toHaveBeenCalledWith([{ number: 7 }, { number: 8 }]);
    expect(gateway.store.settled.map((settled) => settled.kind).sort()).toEqual(['ack', 'ack', 'reject']);
    await bus.close();
  });

  it('runs middleware', async () => {
    charge.mockClear();
    // #region middleware
    const bus = await connect({ middleware: [logging((entry) => logger.info(entry, 'handled'))] });

    bus.subscribe('orders', 'billing', (message) => charge(message.json()), {
      middleware: [
        idempotency(memoryStore()),
        async (message, next) => {
          if (message.headers.test === 'yes') return; // acked, and no handler sees it
          await next(); // throws what the handler throws
        },
      ],
    });
    // #endregion
    await bus.publish('orders', { number: 7 });
    await bus.publish('orders', { number: 8 }, { headers: { test: 'yes' } });
    await gateway.until(() => gateway.store.settled.length === 2);
    expect(charge.mock.calls).toEqual([[{ number: 7 }]]);
    expect(logger.info).toHaveBeenCalledTimes(2);
    await bus.close();
  });

  it('pulls', async () => {
    const bus = await connect();
    await bus.publish('jobs', 'a film');
    const abort = new AbortController();
    render.mockImplementation(async () => abort.abort());
    // #region pull
    for await (const message of bus.pull('jobs', 'renderer', { lease: '10m', signal: abort.signal })) {
      await render(message.text());
      await message.ack();
    }
    // #endregion
    expect(gateway.store.settled.map((settled) => settled.kind)).toEqual(['ack']);
    await bus.close();
  });

  it('tells errors apart', async () => {
    const bus = await connect({ deadline: '1s' });
    gateway.deaf = true;
    // #region errors
    try {
      await bus.publish('orders', { number: 7 });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      await save(error.messageId); // it may have been accepted: publish again under this id
    }
    // #endregion
    expect(save).toHaveBeenCalledWith(gateway.publishes[0]?.[0]?.id);
    await bus.close({ timeout: 0 });
  });

  it('settles by hand', async () => {
    const bus = await connect();
    await bus.publish('orders', 'a');
    // #region manual
    bus.subscribe(
      'orders',
      'audit',
      async (message) => {
        try {
          await message.ack(); // resolves when it is durable
        } catch (error) {
          if (error instanceof StaleReceiptError) return; // too late: somebody else has it
          throw error;
        }
      },
      { settle: 'manual' },
    );
    // #endregion
    await gateway.until(() => gateway.store.settled.length === 1);
    await bus.close();
  });

  it('asks and answers', async () => {
    const bus = await connect();
    // #region request
    bus.serve('prices', 'price-service', async (request) => {
      const price = await priceOf(request.text());
      if (price === undefined) throw new ReplyError('no such article', { asked: request.text() });
      return { price }; // published to whoever asked; then the request is acked
    });

    try {
      const reply = await bus.request('prices', 'apple', { timeout: '5s' });
      await show(reply.json<Price>());
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error; // DeadlineError, reason NO_REPLY: nobody answered in time
      await show(error.message, error.details);
    }
    // #endregion
    expect(show).toHaveBeenCalledExactlyOnceWith({ price: 3 });
    await bus.close();
  });

  it('locks', async () => {
    const bus = await connect();
    // #region lock
    const sent = await bus.withLock('nightly-report', '30s', async ({ fence, signal }) => {
      const report = await makeReport({ signal }); // stops when the lock is lost
      return storeReport(report, fence); // refuses a fence that is lower than one it has seen
    });

    const lock = await bus.lock('import', '1m', { wait: 0 }); // throws LockHeldError when somebody else has it
    await lock.release();
    // #endregion
    expect(sent).toBe('report 1');
    expect(gateway.locks.held.size).toBe(0);
    await bus.close();
  });

  it('is a bus in memory', async () => {
    // #region local
    const bus = localBus<{ 'orders.created': Order; 'orders.paid': Order }>();

    bus.subscribe('orders.created', 'billing', ({ payload }) => charge(payload), { concurrency: 5 });
    bus.subscribe('orders.*', 'websocket', ({ topic, payload }) => show(topic, payload.number), {
      queueSize: 100,
      discardOnBlocking: true, // better to miss some than to hold up the publisher
    });

    await bus.publish('orders.created', { number: 7 }); // waits while the queue of a channel is full
    bus.emit('orders.paid', { number: 7 }); // never waits, and makes no promise
    // #endregion
    await bus.close();
    expect(charge).toHaveBeenCalledWith({ number: 7 });
    expect(show.mock.calls).toEqual(
      expect.arrayContaining([
        ['orders.created', 7],
        ['orders.paid', 7],
      ]),
    );
  });

  it('helps to test', async () => {
    // #region testing
    const bus = testBus<{ orders: Order; reminders: Order }>();
    bus.subscribe('orders', 'billing', async ({ payload }) => {
      await charge(payload);
      await bus.publish('reminders', payload, { delay: '2h' });
    });

    await bus.publish('orders', { number: 7 });
    await bus.deliver(); // runs the handlers, and rejects with what they threw
    expect(bus.publishedOnce('reminders').payload).toEqual({ number: 7 });

    const reminded = vi.fn();
    bus.subscribe('reminders', 'mailer', ({ payload }) => reminded(payload.number));
    bus.advance('2h'); // delayed messages and retries are due now
    await bus.deliver();
    expect(reminded).toHaveBeenCalledWith(7);
    expect(bus.deadLetters()).toEqual([]);
    // #endregion
    await bus.close();
  });

  it('shows what runs here', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const source = readFileSync(new URL('examples.test.ts', import.meta.url), 'utf8');
    const regions = [...source.matchAll(/^ {4}\/\/ #region \w+\n([\s\S]*?)^ {4}\/\/ #endregion$/gm)];
    const examples = regions.map(([, text = '']) => text.replaceAll(/^ {4}/gm, '').trim());
    const shown = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) =>
      text.replace(/^import .*\n\n?/gm, '').trim(),
    );
    expect(shown.sort()).toEqual(examples.sort());
  });
});
