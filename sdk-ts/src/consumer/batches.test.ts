import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { ClosedError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import type { Message } from '../message.js';
import { RetryAfter, UnrecoverableError } from './handler-errors.js';

let gateway: TestingGateway;
let bus: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url });
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

async function publish(count: number): Promise<void> {
  await bus.publishMany(
    'orders',
    Array.from({ length: count }, (_, n) => ({ body: String(n), id: `m${n}` })),
  );
}

function settledAs(kind: string): string[] {
  return gateway.store.settled.filter((settled) => settled.kind === kind).map((settled) => settled.id);
}

describe('batches', () => {
  it('are handed over when they are full, in order, and acked', async () => {
    await publish(6);
    const batches: string[][] = [];
    bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.map(({ id }) => id)), {
      size: 3,
      wait: '1h',
    });
    await gateway.until(() => settledAs('ack').length === 6);
    expect(batches).toEqual([
      ['m0', 'm1', 'm2'],
      ['m3', 'm4', 'm5'],
    ]);
  });

  it('are handed over when the first message has waited long enough', async () => {
    await publish(2);
    const batches: number[] = [];
    bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.length), { wait: 20 });
    await gateway.until(() => settledAs('ack').length === 2);
    await bus.publish('orders', 'later');
    await gateway.until(() => settledAs('ack').length === 3);
    expect(batches).toEqual([2, 1]);
  });

  it('without a wait hold what has arrived together', async () => {
    await publish(5);
    const batches: number[] = [];
    bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.length), { wait: 0, credit: 5 });
    await gateway.until(() => settledAs('ack').length === 5);
    expect(batches).toEqual([5]);
  });

  it('are handled no more at a time than concurrency says', async () => {
    await publish(12);
    let running = 0;
    let most = 0;
    const opens: (() => void)[] = [];
    bus.subscribeBatch(
      'orders',
      'billing',
      async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => opens.push(resolve));
        running--;
      },
      { size: 2, wait: 5, concurrency: 3 },
    );
    await gateway.until(() => running === 3);
    const opener = setInterval(() => opens.splice(0).forEach((open) => void open()), 1);
    await gateway.until(() => settledAs('ack').length === 12);
    clearInterval(opener);
    expect(most).toBe(3);
  });

  it('that throw nack all that was not settled by hand', async () => {
    await publish(4);
    const errors: (string | undefined)[] = [];
    bus.subscribeBatch(
      'orders',
      'billing',
      async ([first, second, ...rest]) => {
        if (first === undefined || first.attempt > 1) return;
        await first.ack();
        await second?.reject('broken');
        expect(rest).toHaveLength(2);
        throw new RetryAfter(0, 'no stock');
      },
      { size: 4, onError: (_, message) => errors.push(message?.id) },
    );
    await gateway.until(() => settledAs('ack').length === 3);
    expect(gateway.store.settled.slice(0, 4).map(({ kind, id, reason }) => `${kind} ${id} ${reason}`)).toEqual([
      'ack m0 ',
      'reject m1 broken',
      'nack m2 no stock',
      'nack m3 no stock',
    ]);
    expect(errors).toEqual(['m0', 'm1', 'm2', 'm3']);
  });

  it('that throw UnrecoverableError make dead letters', async () => {
    await publish(2);
    bus.subscribeBatch('orders', 'billing', () => Promise.reject(new UnrecoverableError('no')), { size: 2 });
    await gateway.until(() => settledAs('reject').length === 2);
  });

  it('that return ack all that was not settled by hand', async () => {
    await publish(3);
    bus.subscribeBatch('orders', 'billing', (messages) => messages[1]?.nack({ delay: '1h', reason: 'later' }), {
      size: 3,
    });
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(settledAs('ack')).toEqual(['m0', 'm2']);
    expect(settledAs('nack')).toEqual(['m1']);
  });

  it('are settled by hand alone when told so', async () => {
    await publish(2);
    const [first, second] = await new Promise<readonly Message[]>((resolve) =>
      bus.subscribeBatch('orders', 'billing', resolve, { size: 2, settle: 'manual' }),
    );
    expect(gateway.store.settled).toEqual([]);
    await Promise.all([first?.ack(), second?.nack()]);
    expect(settledAs('ack')).toEqual(['m0']);
    expect(settledAs('nack')).toEqual(['m1']);
  });

  it('pass each message through the middleware, which may keep one out', async () => {
    await publish(3);
    const batches: string[][] = [];
    bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.map(({ id }) => id)), {
      size: 3,
      wait: 20,
      middleware: [(message, next) => (message.id === 'm1' ? undefined : next())],
    });
    await gateway.until(() => settledAs('ack').length === 3);
    expect(batches).toEqual([['m0', 'm2']]);
  });

  it('leave out messages that were lost while they waited', async () => {
    await publish(2);
    const batches: string[][] = [];
    const sub = bus.subscribeBatch(
      'orders',
      'billing',
      (messages) => void batches.push(messages.map(({ id, attempt }) => `${id}.${attempt}`)),
      { size: 4, wait: '1h', onError: () => {} },
    );
    await sub.ready;
    await gateway.until(() => gateway.store.held() === 2);
    gateway.breakSubscriptions();
    await gateway.until(() => gateway.opens.length === 2 && gateway.store.held() === 2);
    await gateway.until(() => settledAs('ack').length === 2);
    expect(batches).toEqual([['m0.2', 'm1.2']]);
  });

  it('that still gather are handled at once when the subscription stops', async () => {
    await publish(2);
    const batches: number[] = [];
    const sub = bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.length), {
      size: 10,
      wait: '1h',
    });
    await gateway.until(() => gateway.store.held() === 2);
    await bus.publish('orders', 'c', { id: 'm2' });
    await gateway.until(() => gateway.store.held() === 3);
    await sub.stop();
    expect(batches).toEqual([3]);
    expect(settledAs('ack')).toEqual(['m0', 'm1', 'm2']);
  });

  it('that take too long are left behind by a stop, and those behind them are not begun', async () => {
    await publish(4);
    const begun: (readonly Message[])[] = [];
    const sub = bus.subscribeBatch(
      'orders',
      'billing',
      (messages) => {
        begun.push(messages);
        return new Promise(() => {});
      },
      { size: 2, wait: 5 },
    );
    await gateway.until(() => begun.length === 1);
    await sub.stop({ timeout: 30 });
    expect(begun).toHaveLength(1);
    expect(begun[0]?.[0]?.signal.reason).toBeInstanceOf(ClosedError);
    await gateway.until(() => gateway.store.held() === 0);
  });

  it('take options in range only', () => {
    expect(() => bus.subscribeBatch('o', 'c', () => {}, { size: 0 })).toThrow(/size/);
    expect(() => bus.subscribeBatch('o', 'c', () => {}, { size: 1_001 })).toThrow(/size/);
    expect(() => bus.subscribeBatch('o', 'c', () => {}, { wait: '2h' })).toThrow(/wait/);
    expect(() => bus.subscribeBatch('o', 'c', () => {}, { concurrency: 0 })).toThrow(/concurrency/);
  });
});
