import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { RetryAfter } from '../consumer/handler-errors.js';
import { testBus } from './test-bus.js';

interface Order {
  number: number;
}

interface Events {
  orders: Order;
  mails: { to: string };
}

describe('a bus for tests', () => {
  it('tells what was published, with its types', async () => {
    const bus = testBus<Events>({ now: new Date('2030-01-01T00:00:00Z') });
    await bus.publish('orders', { number: 7 }, { key: 'k', headers: { a: 'b' } });
    await bus.publish('mails', { to: 'ann' }, { delay: '1h' });
    const order = bus.publishedOnce('orders');
    expectTypeOf(order.payload).toEqualTypeOf<Order>();
    expect(order).toMatchObject({ topic: 'orders', key: 'k', payload: { number: 7 }, dueAt: undefined });
    expect(order.headers).toEqual({ a: 'b', 'content-type': 'application/json' });
    expect(bus.published('mails')).toMatchObject([
      { payload: { to: 'ann' }, publishedAt: bus.now(), dueAt: new Date('2030-01-01T01:00:00Z') },
    ]);
    expect(bus.published().map(({ topic }) => topic)).toEqual(['orders', 'mails']);
    bus.forget();
    expect(bus.published()).toEqual([]);
  });

  it('decodes what a typed topic made of it', async () => {
    const bus = testBus();
    const orders = bus.topic('orders', z.object({ number: z.number() }));
    await orders.publish({ number: 7 });
    expect(bus.publishedOnce('orders').payload).toEqual({ number: 7 });
  });

  it('runs no handler until it is told to deliver, and then all that follows', async () => {
    const bus = testBus<Events>();
    const sent: string[] = [];
    bus.subscribe('orders', 'confirm', async ({ payload }) => {
      await bus.publish('mails', { to: `customer ${payload.number}` });
    });
    bus.subscribe('mails', 'sender', ({ payload }) => sent.push(payload.to));
    await bus.publish('orders', { number: 7 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([]);
    expect(await bus.deliver()).toEqual({ handled: 2, failures: [] });
    expect(sent).toEqual(['customer 7']);
    expect(await bus.deliver()).toEqual({ handled: 0, failures: [] });
  });

  it('waits for handlers that take their time, one after the other', async () => {
    const bus = testBus<Events>();
    const handled: number[] = [];
    bus.subscribe('orders', 'c', async ({ payload }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      handled.push(payload.number);
    });
    await bus.publishMany('orders', [{ number: 1 }, { number: 2 }, { number: 3 }]);
    expect(await bus.deliver()).toEqual({ handled: 3, failures: [] });
    expect(handled).toEqual([1, 2, 3]);
  });

  it('makes delayed messages and retries due when its clock is moved, each at its own time', async () => {
    const bus = testBus<Events>({ now: new Date(0), retry: { maxRetries: 2, backoff: '5m' } });
    const handled: string[] = [];
    bus.subscribe('orders', 'c', ({ payload, attempt }) => {
      handled.push(`${payload.number} at ${bus.now().getTime() / 60_000} min, attempt ${attempt}`);
      if (payload.number === 1 && attempt < 3) throw new Error('not yet');
    });
    await bus.publish('orders', { number: 1 });
    await bus.publish('orders', { number: 2 }, { delay: '10m' });
    await bus.deliver({ allowFailures: true });
    bus.advance('5m');
    await bus.deliver({ allowFailures: true });
    bus.advance('4m');
    expect(await bus.deliver()).toMatchObject({ handled: 0 });
    bus.advance('1m');
    await bus.deliver();
    expect(handled).toEqual([
      '1 at 0 min, attempt 1',
      '1 at 5 min, attempt 2',
      '2 at 10 min, attempt 1',
      '1 at 10 min, attempt 3',
    ]);
  });

  it('reports the errors of handlers, unless they are allowed', async () => {
    const bus = testBus<Events>({ retry: { maxRetries: 1, backoff: '1m' } });
    bus.subscribe('orders', 'billing', () => {
      throw new RangeError('no such order');
    });
    await bus.publish('orders', { number: 7 });
    const failing = bus.deliver();
    await expect(failing).rejects.toMatchObject({ name: 'HandlersFailedError', cause: expect.any(RangeError) });
    await expect(failing).rejects.toThrow(
      'channel "billing" of topic "orders", attempt 1: RangeError: no such order\n    it was given {"number":7}',
    );
    bus.advance('1m');
    const { handled, failures } = await bus.deliver({ allowFailures: true });
    expect(handled).toBe(1);
    expect(failures).toMatchObject([{ channel: 'billing', message: { attempt: 2 } }]);
    expect(bus.deadLetters()).toMatchObject([{ topic: 'orders', reason: 'no such order' }]);
  });

  it('ends leases by its clock', async () => {
    const bus = testBus<Events>();
    await bus.publish('orders', { number: 7 });
    const messages = bus.pull('orders', 'c', { lease: '1m', retry: { maxRetries: 1, backoff: 0 } });
    const { value: first } = await messages.next();
    bus.advance('1m');
    await expect(first?.ack()).rejects.toMatchObject({ name: 'StaleReceiptError' });
    const { value: second } = await messages.next();
    expect(second).toMatchObject({ attempt: 2, payload: { number: 7 } });
  });

  it('honours RetryAfter by its clock', async () => {
    const bus = testBus<Events>();
    const attempts: number[] = [];
    bus.subscribe('orders', 'c', ({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new RetryAfter('1d');
    });
    await bus.publish('orders', { number: 7 });
    await bus.deliver({ allowFailures: true });
    bus.advance('23h');
    await bus.deliver();
    expect(attempts).toEqual([1]);
    bus.advance('1h');
    await bus.deliver();
    expect(attempts).toEqual([1, 2]);
  });

  it('says which handler hangs', async () => {
    const bus = testBus<Events>();
    bus.subscribe('orders', 'stuck', () => new Promise(() => {}));
    await bus.publish('orders', { number: 7 });
    await expect(bus.deliver({ timeout: 20 })).rejects.toThrow(
      'deliver() was not through after 20 ms: handlers still ran:\n  channel "stuck" of topic "orders", attempt 1: {"number":7}',
    );
    await bus.close({ timeout: 0 });
  });

  it('ends a delivery that would go on for ever', async () => {
    const bus = testBus<Events>();
    bus.subscribe('orders', 'again', ({ payload }) => bus.publish('orders', payload));
    await bus.publish('orders', { number: 7 });
    await expect(bus.deliver({ timeout: 20 })).rejects.toThrow('there was always more to deliver');
    await bus.close();
  });

  it('says what was published instead of the one message that was expected', async () => {
    const bus = testBus<Events>();
    expect(() => bus.publishedOnce('orders')).toThrow('nothing was published on "orders", nor on any other topic');
    await bus.publish('mails', { to: 'ann' });
    expect(() => bus.publishedOnce('orders')).toThrow(
      'nothing was published on "orders"; this was published:\n  mails: {"to":"ann"}',
    );
    await bus.publish('mails', { to: 'bob' });
    expect(() => bus.publishedOnce('mails')).toThrow(
      '2 messages were published on "mails", and one was expected:\n  mails: {"to":"ann"}\n  mails: {"to":"bob"}',
    );
  });

  it('refuses on publish what a gateway could not be sent', async () => {
    const bus = testBus();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    await expect(bus.publish('orders', loop)).rejects.toMatchObject({ name: 'InvalidArgumentError', field: 'body' });
    expect(bus.published()).toEqual([]);
  });

  it('answers requests while it delivers', async () => {
    const bus = testBus();
    bus.serve('prices', 'service', (message) => message.text().length);
    const asked = bus.request('prices', 'apple');
    await new Promise((resolve) => setImmediate(resolve));
    await bus.deliver();
    expect((await asked).json()).toBe(5);
    await bus.close();
  });
});
