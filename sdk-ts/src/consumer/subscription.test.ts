import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { ClosedError, StaleReceiptError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import type { Message } from '../message.js';
import { RetryAfter, UnrecoverableError } from './handler-errors.js';

let gateway: TestingGateway;
let bus: Bus;

/** A promise that a handler waits for. */
function gate() {
  let open: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

function settledAs(kind: string): string[] {
  return gateway.store.settled.filter((settled) => settled.kind === kind).map((settled) => settled.id);
}

async function publish(count: number): Promise<string[]> {
  const published = await bus.publishMany(
    'orders',
    Array.from({ length: count }, (_, n) => ({ body: String(n), id: `m${n}` })),
  );
  return published.map((each) => each.id);
}

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url, name: 'tester' });
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

describe('a message', () => {
  it('says what was published, and what delivery it is', async () => {
    await bus.publish('orders', { number: 7 }, { id: 'm', key: 'k', headers: { a: 'b' } });
    const message = await new Promise<Message>((resolve) => bus.subscribe('orders', 'billing', resolve));
    expect(message).toMatchObject({ id: 'm', topic: 'orders', key: 'k', attempt: 1 });
    expect(message.headers).toEqual({ a: 'b', 'content-type': 'application/json' });
    expect(message.json()).toEqual({ number: 7 });
    expect(message.text()).toBe('{"number":7}');
    expect(Math.abs(message.publishedAt.getTime() - Date.now())).toBeLessThan(10_000);
    expect(message.leaseDeadline.getTime()).toBeGreaterThan(Date.now() + 20_000);
  });
});

describe('a handler', () => {
  it('that returns acks, many in one frame', async () => {
    const ids = await publish(200);
    bus.subscribe('orders', 'billing', async () => {}, { concurrency: 100 });
    await gateway.until(() => settledAs('ack').length === 200);
    expect(settledAs('ack').sort()).toEqual(ids.sort());
    expect(gateway.settleFrames.length).toBeLessThan(50);
  });

  it('that throws nacks with the error as the reason, and gets the message again', async () => {
    await publish(1);
    const attempts: number[] = [];
    const errors: unknown[] = [];
    bus.subscribe(
      'orders',
      'billing',
      (message) => {
        attempts.push(message.attempt);
        if (message.attempt === 1) throw new Error('no stock');
      },
      { onError: (error) => errors.push(error) },
    );
    await gateway.until(() => settledAs('ack').length === 1);
    expect(attempts).toEqual([1, 2]);
    expect(gateway.store.settled[0]).toEqual({ kind: 'nack', id: 'm0', reason: 'no stock', delayMs: undefined });
    expect(errors).toEqual([new Error('no stock')]);
  });

  it('that throws RetryAfter says when', async () => {
    await publish(1);
    bus.subscribe('orders', 'billing', () => Promise.reject(new RetryAfter('5m', 'closed today')));
    await gateway.until(() => gateway.store.settled.length === 1);
    expect(gateway.store.settled).toEqual([{ kind: 'nack', id: 'm0', reason: 'closed today', delayMs: 300_000 }]);
  });

  it('that throws UnrecoverableError makes a dead letter', async () => {
    await publish(1);
    bus.subscribe('orders', 'billing', () => {
      throw new UnrecoverableError('x'.repeat(2_000));
    });
    await gateway.until(() => gateway.store.settled.length === 1);
    expect(gateway.store.settled).toEqual([
      { kind: 'reject', id: 'm0', reason: 'x'.repeat(1_024), delayMs: undefined },
    ]);
  });

  it('runs no more often at a time than concurrency says, also over a reconnect', async () => {
    await publish(20);
    const gates: (() => void)[] = [];
    let running = 0;
    let most = 0;
    bus.subscribe(
      'orders',
      'billing',
      async () => {
        most = Math.max(most, ++running);
        const { promise, open } = gate();
        gates.push(open);
        await promise;
        running--;
      },
      { concurrency: 3 },
    );
    await gateway.until(() => running === 3);
    gateway.breakSubscriptions();
    await gateway.until(() => gateway.opens.length === 2);
    const opener = setInterval(() => gates.splice(0).forEach((open) => void open()), 1);
    await gateway.until(() => new Set(settledAs('ack')).size === 20);
    clearInterval(opener);
    expect(most).toBe(3);
  });

  it('that waits for nothing lets acks pass all the same', async () => {
    await publish(20);
    let unacked = 0;
    bus.subscribe(
      'orders',
      'billing',
      () => {
        if (gateway.settleFrames.length === 0) unacked++;
        const end = performance.now() + 10;
        while (performance.now() < end);
      },
      { credit: 20 },
    );
    await gateway.until(() => settledAs('ack').length === 20);
    expect(unacked).toBeLessThan(20);
  });

  it('holds no more messages than the credit says', async () => {
    await publish(20);
    const { promise, open } = gate();
    bus.subscribe('orders', 'billing', () => promise, { concurrency: 2, credit: 5 });
    await gateway.until(() => gateway.store.held() === 5);
    expect(gateway.opens).toEqual([{ topic: 'orders', channel: 'billing', credit: 5, consumer: 'tester', token: '' }]);
    open();
    await gateway.until(() => settledAs('ack').length === 20);
  });
});

describe('the credit', () => {
  it('grows with quick handlers by itself', async () => {
    await publish(400);
    bus.subscribe('orders', 'billing', () => {});
    await gateway.until(() => settledAs('ack').length === 400);
    expect(gateway.opens[0]?.credit).toBe(2);
    expect(gateway.credits.length).toBeGreaterThan(0);
    expect(Math.min(...gateway.credits)).toBeGreaterThan(2);
    const latest = gateway.credits.at(-1);
    gateway.breakSubscriptions();
    await gateway.until(() => gateway.opens.length === 2);
    expect(gateway.opens[1]?.credit).toBe(latest);
  });

  it('stays small with slow handlers, so that others get the rest', async () => {
    await publish(10);
    const { promise, open } = gate();
    bus.subscribe('orders', 'billing', () => promise, { concurrency: 3 });
    await gateway.until(() => gateway.store.held() === 4);
    const rest: string[] = [];
    bus.subscribe('orders', 'billing', (message) => void rest.push(message.id));
    await gateway.until(() => rest.length === 6);
    open();
    await gateway.until(() => settledAs('ack').length === 10);
  });

  it('that is a number stays', async () => {
    await publish(300);
    bus.subscribe('orders', 'billing', () => {}, { credit: 3 });
    await gateway.until(() => settledAs('ack').length === 300);
    expect(gateway.credits).toEqual([]);
  });
});

describe('settling by hand', () => {
  it('resolves when the gateway has answered, and settles at most once', async () => {
    await publish(2);
    const done: string[] = [];
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        if (message.id === 'm0') await message.ack();
        else await message.nack({ delay: '1h', reason: 'later' });
        done.push(message.id);
        await expect(message.reject()).rejects.toMatchObject({ reason: 'ALREADY_SETTLED' });
        await expect(message.extend()).rejects.toMatchObject({ reason: 'ALREADY_SETTLED' });
        done.push(message.id);
      },
      { settle: 'manual' },
    );
    await gateway.until(() => done.length === 4);
    expect(gateway.store.settled.map(({ kind, id, delayMs }) => [kind, id, delayMs])).toEqual([
      ['ack', 'm0', undefined],
      ['nack', 'm1', 3_600_000],
    ]);
  });

  it('may come after the handler', async () => {
    await publish(1);
    const message = await new Promise<Message>((resolve) =>
      bus.subscribe('orders', 'billing', resolve, { settle: 'manual' }),
    );
    expect(gateway.store.settled).toEqual([]);
    await message.ack();
    expect(settledAs('ack')).toEqual(['m0']);
  });

  it('too late is a StaleReceiptError, and the message comes again', async () => {
    await publish(1);
    const attempts: number[] = [];
    const errors: unknown[] = [];
    const { promise, open } = gate();
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        attempts.push(message.attempt);
        if (message.attempt > 1) return message.ack();
        await gateway.until(() => gateway.store.expired === 1);
        errors.push(await message.ack().catch((error: unknown) => error));
        open();
      },
      { settle: 'manual', autoExtend: false, lease: '1s' },
    );
    await promise;
    await gateway.until(() => settledAs('ack').length === 1);
    expect(errors[0]).toBeInstanceOf(StaleReceiptError);
    expect(attempts).toEqual([1, 2]);
  });
});

describe('leases', () => {
  it('of running handlers and waiting messages are extended, many in one frame', async () => {
    await publish(8);
    const { promise, open } = gate();
    bus.subscribe('orders', 'billing', () => promise, { concurrency: 4, credit: 8, lease: '1s' });
    await gateway.until(() => settledAs('extend').length >= 24);
    // Before the first is settled: an extension that comes between two acks is for what is left.
    const frames = gateway.settleFrames.filter((frame) => frame.kind === 'extend');
    open();
    await gateway.until(() => settledAs('ack').length === 8);
    expect(frames.every((frame) => frame.receipts === 8)).toBe(true);
    expect(new Set(settledAs('ack')).size).toBe(8);
  });

  it('that end abort the signal, and what waits for a handler is not started', async () => {
    await publish(2);
    const started: Message[] = [];
    const first = new Promise<Message>((resolve) =>
      bus.subscribe(
        'orders',
        'billing',
        async (message) => {
          started.push(message);
          resolve(message);
          if (message.attempt > 1) return;
          await new Promise((aborted) => message.signal.addEventListener('abort', aborted));
          throw message.signal.reason;
        },
        { autoExtend: false, lease: '1s' },
      ),
    );
    const message = await first;
    await new Promise((aborted) => message.signal.addEventListener('abort', aborted));
    expect(message.signal.reason).toBeInstanceOf(StaleReceiptError);
    await gateway.until(() => settledAs('ack').length === 2);
    expect(started.map(({ id, attempt }) => `${id}.${attempt}`).sort()).toEqual(['m0.1', 'm0.2', 'm1.2']);
  });

  it('are extended by hand', async () => {
    await publish(1);
    const done = gate();
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        await message.extend('1h');
        expect(message.leaseDeadline.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
        done.open();
      },
      { autoExtend: false },
    );
    await done.promise;
    expect(settledAs('extend')).toEqual(['m0']);
  });
});

describe('a subscription', () => {
  it('opens again when its stream breaks, aborts what it had, and gets it again', async () => {
    await publish(1);
    const messages: Message[] = [];
    const held = gate();
    const sub = bus.subscribe(
      'orders',
      'billing',
      (message) => {
        messages.push(message);
        return message.attempt === 1 ? held.promise : undefined;
      },
      { concurrency: 2 },
    );
    await sub.ready;
    await gateway.until(() => messages.length === 1);
    gateway.breakSubscriptions();
    await gateway.until(() => settledAs('ack').length === 1);
    expect(messages.map((message) => message.attempt)).toEqual([1, 2]);
    expect(messages[0]?.signal.reason).toMatchObject({ name: 'UnavailableError', reason: 'STREAM_LOST' });
    held.open();
  });

  it('comes back after the gateway was away', async () => {
    const seen: string[] = [];
    const sub = bus.subscribe('orders', 'billing', (message) => void seen.push(message.id));
    await sub.ready;
    gateway.cut();
    await gateway.start();
    await publish(3);
    await gateway.until(() => settledAs('ack').length === 3);
    expect(seen).toEqual(['m0', 'm1', 'm2']);
  });

  it('settles elsewhere what a broken stream left unanswered', async () => {
    await publish(1);
    gateway.losesSettles = true;
    let acked = false;
    bus.subscribe(
      'orders',
      'billing',
      async (message) => {
        if (message.attempt > 1) return;
        const result = await message.ack().catch((error: unknown) => error);
        expect(result).toBeInstanceOf(StaleReceiptError);
        acked = true;
      },
      { settle: 'manual' },
    );
    await gateway.until(() => gateway.settleFrames.length === 1);
    gateway.breakSubscriptions();
    await gateway.until(() => acked);
    expect(gateway.settleFrames.some((frame) => frame.unary)).toBe(true);
  });

  it('takes a stream for dead that is silent for twice the heartbeat', async () => {
    gateway.heartbeats = false;
    const errors: unknown[] = [];
    const sub = bus.subscribe('orders', 'billing', () => {}, { onError: (error) => errors.push(error) });
    await sub.ready;
    await gateway.until(() => gateway.opens.length === 2);
    expect(errors[0]).toMatchObject({ reason: 'STREAM_SILENT' });
  });

  it('lives on while there are heartbeats', async () => {
    const sub = bus.subscribe('orders', 'billing', () => {});
    await sub.ready;
    const end = Date.now() + 2_600;
    await gateway.until(() => Date.now() > end);
    expect(gateway.opens).toHaveLength(1);
  });

  it('that is told to drain finishes what it holds there, and goes on elsewhere at once', async () => {
    await publish(1);
    const held = gate();
    const seen: string[] = [];
    bus.subscribe(
      'orders',
      'billing',
      (message) => {
        seen.push(message.id);
        return message.id === 'm0' ? held.promise : undefined;
      },
      { concurrency: 2 },
    );
    await gateway.until(() => seen.length === 1);
    gateway.drain(10_000);
    await gateway.until(() => gateway.opens.length === 2);
    await bus.publish('orders', 'b', { id: 'next' });
    await gateway.until(() => settledAs('ack').length === 1);
    expect(gateway.subscribers).toBe(2);
    held.open();
    await gateway.until(() => gateway.subscribers === 1);
    expect(settledAs('ack')).toEqual(['next', 'm0']);
    expect(seen).toEqual(['m0', 'next']);
  });

  it('that the gateway refuses rejects ready and closed', async () => {
    gateway.refuseCall = () => ({ code: status.INVALID_ARGUMENT, details: 'bad', reason: 'TOPIC_INVALID' });
    const errors: unknown[] = [];
    const sub = bus.subscribe('or ders', 'billing', () => {}, { onError: (error) => errors.push(error) });
    await expect(sub.ready).rejects.toMatchObject({ name: 'InvalidArgumentError', reason: 'TOPIC_INVALID' });
    await expect(sub.closed).rejects.toMatchObject({ reason: 'TOPIC_INVALID' });
    expect(errors).toHaveLength(1);
  });

  it('that worked before outlives a refusal', async () => {
    const sub = bus.subscribe('orders', 'billing', () => {}, { onError: () => {} });
    await sub.ready;
    let refusals = 0;
    gateway.refuseCall = () =>
      refusals++ < 2 ? { code: status.UNAUTHENTICATED, details: 'expired', reason: 'TOKEN_INVALID' } : undefined;
    gateway.breakSubscriptions();
    await gateway.until(() => gateway.opens.length === 2);
  });

  it('refuses options out of range at once', () => {
    const handler = () => {};
    expect(() => bus.subscribe('o', 'c', handler, { concurrency: 0 })).toThrow(/concurrency/);
    expect(() => bus.subscribe('o', 'c', handler, { lease: '500ms' })).toThrow(/lease/);
    expect(() => bus.subscribe('o', 'c', handler, { retry: { maxRetries: -1 } })).toThrow(/maxRetries/);
  });
});

describe('stop', () => {
  it('lets running handlers finish and their acks be confirmed, and gives back what was not started', async () => {
    await publish(4);
    const held = gate();
    const seen: Message[] = [];
    const sub = bus.subscribe(
      'orders',
      'billing',
      (message) => {
        seen.push(message);
        return held.promise;
      },
      { concurrency: 2, credit: 4 },
    );
    await gateway.until(() => seen.length === 2 && gateway.store.held() === 4);
    const stopped = sub.stop();
    await gateway.until(() => gateway.credits.includes(0));
    expect(seen.every((message) => !message.signal.aborted)).toBe(true);
    held.open();
    await stopped;
    await sub.closed;
    expect(settledAs('ack')).toEqual(['m0', 'm1']);
    expect(seen).toHaveLength(2);
    await gateway.until(() => gateway.store.held() === 0 && gateway.subscribers === 0);
    await sub.stop();
  });

  it('gives back at once what waits, while handlers still run', async () => {
    await publish(3);
    const held = gate();
    const seen: string[] = [];
    const handler = (message: Message) => {
      seen.push(message.id);
      return held.promise;
    };
    const sub = bus.subscribe('orders', 'billing', handler, { credit: 3 });
    await gateway.until(() => seen.length === 1 && gateway.store.held() === 3);
    const stopped = sub.stop();
    await gateway.until(() => settledAs('nack').length === 2);
    const other: string[] = [];
    bus.subscribe('orders', 'billing', ({ id, attempt }) => void other.push(`${id} #${attempt}`));
    await gateway.until(() => settledAs('ack').length === 2);
    expect(other).toEqual(['m1 #1', 'm2 #1']);
    expect(gateway.store.settled.find(({ id }) => id === 'm1')?.reason).toBe('not handled: the consumer stopped');
    held.open();
    await stopped;
    expect(seen).toEqual(['m0']);
  });

  it('keeps its bound when the gateway does not answer', async () => {
    await publish(1);
    gateway.losesSettles = true;
    const sub = bus.subscribe('orders', 'billing', () => {});
    await gateway.until(() => gateway.settleFrames.length === 1);
    await sub.stop({ timeout: 10 });
    await sub.closed;
  });

  it('leaves handlers behind that take too long, and tells them', async () => {
    await publish(1);
    const seen: Message[] = [];
    const sub = bus.subscribe('orders', 'billing', (message) => {
      seen.push(message);
      return new Promise(() => {});
    });
    await gateway.until(() => seen.length === 1);
    expect(seen[0]?.signal.aborted).toBe(false);
    await sub.stop({ timeout: 30 });
    expect(seen[0]?.signal.reason).toBeInstanceOf(ClosedError);
    await gateway.until(() => gateway.store.held() === 0);
  });

  it('comes by a signal too, and before the subscription is open', async () => {
    const abort = new AbortController();
    const sub = bus.subscribe('orders', 'billing', () => {}, { signal: abort.signal });
    abort.abort();
    await sub.closed;
    await expect(sub.ready).rejects.toBeInstanceOf(ClosedError);
    const late = bus.subscribe('orders', 'billing', () => {}, { signal: abort.signal });
    await late.closed;
  });

  it('of the bus lets handlers publish to the end', async () => {
    await publish(1);
    const held = gate();
    const started = gate();
    let published = '';
    bus.subscribe('orders', 'billing', async () => {
      started.open();
      await held.promise;
      published = (await bus.publish('invoices', 'x')).outcome;
    });
    await started.promise;
    const closed = bus.close();
    held.open();
    await closed;
    expect(published).toBe('parked');
    expect(settledAs('ack')).toEqual(['m0']);
  });
});
