import { Gauge, Histogram, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import { type LogEntry, logging } from './logging.js';
import { metrics } from './metrics.js';
import type { Middleware, SubscriptionInfo } from './middleware.js';

let gateway: TestingGateway;
let bus: Bus;
let told: string[];

/** Tells when it begins and ends. */
function named(name: string): Middleware {
  return async (_, next) => {
    told.push(`${name} begins`);
    const result = await next();
    told.push(`${name} ends with ${result}`);
    return result;
  };
}

beforeEach(async () => {
  told = [];
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url, middleware: [named('bus')] });
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

async function settled(count: number): Promise<string[]> {
  await gateway.until(() => gateway.store.settled.length === count);
  return gateway.store.settled.map(({ kind, id, reason }) => `${kind} ${id} ${reason}`.trim());
}

describe('middleware', () => {
  it('runs around the handler: that of the bus outermost, then that of the subscription in its order', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    const handler = () => {
      told.push('handler');
      return 7;
    };
    bus.subscribe('orders', 'billing', handler, { middleware: [named('first'), named('second')] });
    expect(await settled(1)).toEqual(['ack m']);
    expect(told).toEqual([
      'bus begins',
      'first begins',
      'second begins',
      'handler',
      'second ends with 7',
      'first ends with 7',
      'bus ends with 7',
    ]);
  });

  it('is told of the subscription', async () => {
    await bus.publish('orders.eu', 'a');
    const infos: SubscriptionInfo[] = [];
    const tell: Middleware = (_, next, subscription) => {
      infos.push(subscription);
      return next();
    };
    const manual = { settle: 'manual', middleware: [tell] } as const;
    bus.subscribe('orders.eu', 'billing', (message) => message.ack(), manual);
    await settled(1);
    expect(infos).toEqual([{ topic: 'orders.eu', channel: 'billing', settle: 'manual' }]);
  });

  it('that throws counts as the handler: before it and after it', async () => {
    await bus.publishMany('orders', [
      { body: 'a', id: 'before' },
      { body: 'b', id: 'after' },
    ]);
    const handled: string[] = [];
    const throws: Middleware = async (message, next) => {
      if (message.attempt > 1) return next();
      if (message.id === 'before') throw new UnrecoverableError('not for us');
      await next();
      throw new Error('no room to note it');
    };
    const errors: unknown[] = [];
    bus.subscribe('orders', 'billing', (message) => void handled.push(message.id), {
      middleware: [throws],
      onError: (error) => errors.push(error),
    });
    expect(await settled(3)).toEqual(['reject before not for us', 'nack after no room to note it', 'ack after']);
    expect(handled).toEqual(['after', 'after']);
    expect(errors).toHaveLength(2);
  });

  it('that throws without a promise counts all the same', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    const throws: Middleware = () => {
      throw new UnrecoverableError('no');
    };
    bus.subscribe('orders', 'billing', () => {}, { middleware: [throws] });
    expect(await settled(1)).toEqual(['reject m no']);
  });

  it('sees what the handler throws, and may let it pass', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    const forgiving: Middleware = async (_, next) => {
      await next().catch((error: unknown) => told.push(String(error)));
    };
    const handler = () => {
      throw new Error('no stock');
    };
    bus.subscribe('orders', 'billing', handler, { middleware: [forgiving] });
    expect(await settled(1)).toEqual(['ack m']);
    expect(told).toContain('Error: no stock');
  });

  it('that does not go on leaves the handler out', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    let handled = 0;
    bus.subscribe('orders', 'billing', () => handled++, { middleware: [() => undefined] });
    expect(await settled(1)).toEqual(['ack m']);
    expect(handled).toBe(0);
  });
});

async function handleOneOfEach(middleware: Middleware): Promise<void> {
  await bus.publishMany('orders', [
    { body: 'a', id: 'good', key: 'k' },
    { body: 'b', id: 'bad' },
    { body: 'c', id: 'broken' },
    { body: 'd', id: 'put-off' },
  ]);
  bus.subscribe(
    'orders',
    'billing',
    async (message) => {
      if (message.id === 'bad' && message.attempt === 1) throw new Error('no stock');
      if (message.id === 'broken') throw new UnrecoverableError('no such order');
      if (message.id === 'put-off') await message.nack({ delay: '1h' });
    },
    { middleware: [middleware] },
  );
  await settled(5);
}

describe('logging', () => {
  it('writes an entry for every message, with its outcome', async () => {
    const entries: LogEntry[] = [];
    await handleOneOfEach(logging((entry) => entries.push(entry)));
    expect(entries.map(({ id, attempt, outcome, error }) => [id, attempt, outcome, error])).toEqual([
      ['good', 1, 'ack', undefined],
      ['bad', 1, 'nack', new Error('no stock')],
      ['broken', 1, 'reject', new UnrecoverableError('no such order')],
      ['put-off', 1, 'nack', undefined],
      ['bad', 2, 'ack', undefined],
    ]);
    expect(entries[0]).toMatchObject({ topic: 'orders', channel: 'billing', key: 'k' });
    expect(entries[0]?.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('tells of what was left to be settled by hand', async () => {
    await bus.publish('orders', 'a', { id: 'm' });
    const outcome = await new Promise<string>((resolve) =>
      bus.subscribe('orders', 'billing', () => {}, {
        settle: 'manual',
        middleware: [logging((entry) => resolve(entry.outcome))],
      }),
    );
    expect(outcome).toBe('left');
  });
});

describe('metrics', () => {
  it('fill the instruments of prom-client', async () => {
    const registers = [new Registry()];
    const labelNames = ['topic', 'channel'] as const;
    const duration = new Histogram({
      name: 'handled_seconds',
      help: 'duration',
      labelNames: [...labelNames, 'outcome'],
      registers,
    });
    const running = new Gauge({ name: 'running', help: 'running', labelNames, registers });
    const age = new Histogram({ name: 'age_seconds', help: 'age', labelNames, registers });
    await handleOneOfEach(metrics({ duration, running, age }));
    const text = (await registers[0]?.metrics()) ?? '';
    expect(text).toContain('handled_seconds_count{topic="orders",channel="billing",outcome="ack"} 2');
    expect(text).toContain('handled_seconds_count{topic="orders",channel="billing",outcome="nack"} 2');
    expect(text).toContain('handled_seconds_count{topic="orders",channel="billing",outcome="reject"} 1');
    expect(text).toContain('running{topic="orders",channel="billing"} 0');
    expect(text).toContain('age_seconds_count{topic="orders",channel="billing"} 4');
  });
});
