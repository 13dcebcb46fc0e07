import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { TestingGateway } from '../fixture/gateway.js';
import { idempotency } from './idempotency.js';
import { memoryStore } from './memory-store.js';

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

function settled(): string[] {
  return gateway.store.settled.map(({ kind, id }) => `${kind} ${id}`);
}

describe('a message', () => {
  it('whose ack was lost is acked again without its handler', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    gateway.losesSettles = true;
    let handled = 0;
    const attempts: number[] = [];
    bus.subscribe('orders', 'billing', () => handled++, {
      middleware: [
        (message, next) => {
          attempts.push(message.attempt);
          return next();
        },
        idempotency(memoryStore()),
      ],
    });
    await gateway.until(() => gateway.settleFrames.length === 1);
    gateway.losesSettles = false;
    gateway.breakSubscriptions();
    await gateway.until(() => settled().length === 1);
    expect(attempts).toEqual([1, 2]);
    expect(handled).toBe(1);
  });

  it('that comes again while it is still handled waits for that, and is not handled twice', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let handled = 0;
    const attempts: number[] = [];
    bus.subscribe('orders', 'billing', () => ended.then(() => handled++), {
      concurrency: 2,
      middleware: [
        (message, next) => {
          attempts.push(message.attempt);
          return next();
        },
        idempotency(memoryStore()),
      ],
    });
    await gateway.until(() => attempts.length === 1);
    gateway.breakSubscriptions();
    await gateway.until(() => attempts.length === 2);
    end();
    await gateway.until(() => settled().includes('ack m'));
    expect(handled).toBe(1);
  });

  it('is handled again when its handler failed, or nacked or rejected it', async () => {
    await bus.publishMany('orders', [
      { body: 'a', id: 'fails' },
      { body: 'b', id: 'nacks' },
    ]);
    const handled: string[] = [];
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        handled.push(`${message.id}.${message.attempt}`);
        if (message.attempt > 1) return;
        if (message.id === 'fails') throw new Error('no stock');
        await message.nack();
      },
      { middleware: [idempotency(memoryStore())] },
    );
    await gateway.until(() => settled().length === 4);
    expect(handled.sort()).toEqual(['fails.1', 'fails.2', 'nacks.1', 'nacks.2']);
  });

  it('of another channel is another one', async () => {
    const middleware = [idempotency(memoryStore())];
    const handled: string[] = [];
    const subs = ['billing', 'audit'].map((channel) =>
      bus.subscribe('orders', channel, () => handled.push(channel), { middleware }),
    );
    await Promise.all(subs.map((sub) => sub.ready));
    await bus.publish('orders', 'a');
    await gateway.until(() => settled().length === 2);
    expect(handled.sort()).toEqual(['audit', 'billing']);
  });

  it('that is settled by hand counts when it was acked, and is acked when it comes again', async () => {
    await bus.publishMany('orders', [
      { body: 'a', id: 'acked' },
      { body: 'b', id: 'left' },
    ]);
    const handled: string[] = [];
    const store = memoryStore();
    await store.once({ topic: 'orders', channel: 'billing', id: 'acked' }, async () => {});
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        handled.push(`${message.id}.${message.attempt}`);
        if (message.attempt > 1) await message.ack();
      },
      { settle: 'manual', autoExtend: false, lease: '1s', middleware: [idempotency(store)] },
    );
    await gateway.until(() => settled().length === 2);
    expect(settled()).toEqual(['ack acked', 'ack left']);
    expect(handled).toEqual(['left.1', 'left.2']);
  });

  it('of a batch that was handled before is left out of the next', async () => {
    await bus.publishMany('orders', [
      { body: 'a', id: 'a' },
      { body: 'b', id: 'b' },
    ]);
    const store = memoryStore();
    await store.once({ topic: 'orders', channel: 'billing', id: 'a' }, async () => {});
    const batches: string[][] = [];
    bus.subscribeBatch('orders', 'billing', (messages) => void batches.push(messages.map(({ id }) => id)), {
      wait: 10,
      middleware: [idempotency(store)],
    });
    await gateway.until(() => settled().length === 2);
    expect(batches).toEqual([['b']]);
  });
});

describe('a store in memory', () => {
  const key = (id: string) => ({ topic: 't', channel: 'c', id });
  const nothing = async () => {};

  it('forgets the oldest first', async () => {
    const store = memoryStore({ size: 2 });
    for (const id of ['a', 'b', 'c']) await store.once(key(id), nothing);
    expect(await store.once(key('c'), nothing)).toEqual({ done: 'before' });
    expect(await store.once(key('b'), nothing)).toEqual({ done: 'before' });
    expect(await store.once(key('a'), nothing)).toEqual({ done: 'now' });
  });

  it('rejects with what the work rejects with, and remembers only what was done', async () => {
    const store = memoryStore();
    const fault = new Error('no');
    await expect(store.once(key('a'), () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await store.once(key('a'), nothing)).toEqual({ done: 'now' });
  });

  it('takes options in range only', () => {
    expect(() => memoryStore({ size: 0 })).toThrow(/size/);
    expect(() => memoryStore({ age: 10 })).toThrow(/age/);
  });
});
