import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import type { Bus } from '../bus.js';
import { OverloadedError } from '../errors.js';
import type { ChannelStats } from './channel.js';
import type { EventMap, EventMessage, LocalBus, TopicsOf } from './events.js';
import { localBus } from './local-bus.js';
import type { LocalBusOptions } from './options.js';
import type { SlowChannel } from './slowness.js';

interface Order {
  number: number;
}

interface Events {
  'orders.created': Order;
  'orders.paid': { number: number; amount: number };
  'mails.sent': string;
}

const buses: Bus[] = [];

function open<E extends EventMap<E> = Events>(options?: LocalBusOptions): LocalBus<E> {
  const bus = localBus<E>(options);
  buses.push(bus);
  return bus;
}

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close({ timeout: 0 });
});

/** Lets everything that is ready run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function only(stats: readonly ChannelStats[]): ChannelStats {
  const [first] = stats;
  if (first === undefined || stats.length > 1) throw new Error(`${stats.length} channels`);
  return first;
}

function numberOf(body: Uint8Array): number {
  const { number }: Order = JSON.parse(Buffer.from(body).toString());
  return number;
}

describe('the types of events', () => {
  it('are those of the topic, or of all topics that match the pattern', () => {
    const bus = open();
    expectTypeOf(bus).toExtend<Bus>();
    expectTypeOf(bus.publish<'orders.created'>)
      .parameter(1)
      .toEqualTypeOf<Order>();
    bus.subscribe('orders.created', 'c', (message) => {
      expectTypeOf(message).toEqualTypeOf<EventMessage<Order>>();
    });
    bus.subscribe('orders.*', 'c', ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<Order | { number: number; amount: number }>();
    });
    bus.subscribe('#', 'c', ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<Order | { number: number; amount: number } | string>();
    });
    expectTypeOf<TopicsOf<Events, '*.sent'>>().toEqualTypeOf<'mails.sent'>();
    expectTypeOf<TopicsOf<Events, 'orders.#'>>().toEqualTypeOf<'orders.created' | 'orders.paid'>();
    expectTypeOf<TopicsOf<Events, 'orders'>>().toEqualTypeOf<never>();
    expectTypeOf(bus.subscribe<'orders.*'>)
      .parameter(0)
      .toEqualTypeOf<'orders.*'>();
    expectTypeOf(bus.subscribe<'ordres.*'>)
      .parameter(0)
      .toBeNever();
    expectTypeOf(bus.publish).parameter(0).toEqualTypeOf<'orders.created' | 'orders.paid' | 'mails.sent'>();
  });
});

describe('an event', () => {
  it('reaches every subscriber as the object that was published, after the publish and not inside of it', async () => {
    const bus = open();
    const order = { number: 7 };
    const seen: unknown[] = [];
    for (const channel of ['database', 'websocket']) {
      bus.subscribe('orders.created', channel, ({ payload }) => seen.push(payload));
    }
    expect(bus.emit('orders.created', order)).toBe(true);
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toEqual([order, order]);
    expect(seen.every((payload) => payload === order)).toBe(true);
  });

  it('gives copies by json(), so that no subscriber changes what another sees', async () => {
    const bus = open();
    const seen: Order[] = [];
    for (const channel of ['a', 'b']) {
      bus.subscribe('orders.created', channel, (message) => {
        const order = message.json<Order>();
        seen.push({ ...order });
        order.number = 0;
      });
    }
    await bus.publish('orders.created', { number: 7 });
    await turn();
    expect(seen).toEqual([{ number: 7 }, { number: 7 }]);
  });

  it('is in order for a subscriber with one handler, also when handlers publish', async () => {
    const bus = open();
    const seen: number[] = [];
    bus.subscribe('orders.created', 'c', ({ payload: { number } }) => {
      seen.push(number);
      if (number < 3) bus.emit('orders.created', { number: number + 10 });
    });
    for (let number = 0; number < 5; number++) bus.emit('orders.created', { number });
    await turn();
    expect(seen).toEqual([0, 1, 2, 3, 4, 10, 11, 12]);
  });

  it('that nobody listens to is kept for the first who does, as many as a queue may hold for all topics together', async () => {
    const bus = open({ queueSize: 3 });
    for (const number of [1, 2, 3]) {
      expect(await bus.publish('orders.created', { number })).toMatchObject({ outcome: 'parked' });
    }
    await bus.publish('mails.sent', 'a', { id: 'a' });
    await bus.publish('mails.sent', 'b');
    await bus.cancel('mails.sent', 'a');
    const seen: unknown[] = [];
    bus.subscribe('#', 'c', ({ payload }) => seen.push(payload));
    await turn();
    expect(seen).toEqual([{ number: 3 }, 'b']);
  });

  it.each([
    ['at once', () => {}],
    ['by a promise that waits for nothing', async () => {}],
  ])('lets timers and I/O have their turn, however many there are, where handlers return %s', async (_, handle) => {
    const bus = open();
    let handled = 0;
    bus.subscribe('orders.created', 'c', () => {
      handled++;
      const end = performance.now() + 0.05;
      while (performance.now() < end);
      return handle();
    });
    for (let number = 0; number < 2_000; number++) bus.emit('orders.created', { number });
    // All of them take a tenth of a second.
    await turn();
    await turn();
    expect(handled).toBeGreaterThan(0);
    expect(handled).toBeLessThan(2_000);
    await bus.close();
    expect(handled).toBe(2_000);
  });
});

describe('the consumers of a channel', () => {
  it('take turns, and go on when others stop', async () => {
    const bus = open();
    const seen: string[] = [];
    const consumers = ['a', 'b', 'c'].map((name) =>
      bus.subscribe('orders.created', 'c', ({ payload }) => seen.push(`${name}${payload.number}`)),
    );
    for (const number of [1, 2, 3, 4, 5]) bus.emit('orders.created', { number });
    await turn();
    expect(seen).toEqual(['a1', 'b2', 'c3', 'a4', 'b5']);
    const [first, second] = consumers;
    await Promise.all([first?.stop(), second?.stop()]);
    for (const number of [6, 7]) bus.emit('orders.created', { number });
    await turn();
    expect(seen.slice(5)).toEqual(['c6', 'c7']);
  });

  it('lose and double nothing, whatever fails, hangs, stops and comes back', async () => {
    const bus = open({
      queueSize: 20,
      maxDeadLetters: 2_000,
      retry: { maxRetries: 4, backoff: { initial: 1, max: 4, jitter: 1 } },
    });
    const channels = ['one', 'two', 'three'];
    const acked = new Map<string, number[]>(channels.map((channel) => [channel, []]));
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const handle = (channel: string) => async (message: EventMessage<Order>) => {
      const dice = random();
      if (dice < 0.2) throw new Error('no');
      if (dice < 0.3) return message.nack({ delay: 1 });
      if (dice < 0.35) return message.reject('never');
      if (dice < 0.6) await turn();
      // An ack that resolves is final; one by a consumer that lost its message rejects.
      await message.ack();
      acked.get(channel)?.push(message.payload.number);
    };
    const consume = (channel: string) =>
      bus.subscribe('orders.created', channel, handle(channel), { settle: 'manual', concurrency: 3 });
    const running = channels.map((channel) => ({ channel, subscription: consume(channel) }));
    const total = 500;
    for (let number = 0; number < total; number++) {
      await bus.publish('orders.created', { number });
      const restart = running[Math.floor(random() * 200)];
      if (restart === undefined) continue;
      await restart.subscription.stop({ timeout: 0 });
      restart.subscription = consume(restart.channel);
    }
    const unfinished = () => bus.stats().some(({ waiting, held, retrying }) => waiting + held + retrying > 0);
    while (unfinished()) await new Promise((resolve) => setTimeout(resolve, 2));
    for (const channel of channels) {
      const done = acked.get(channel) ?? [];
      const dead = bus.deadLetters({ channel }).map(({ body }) => numberOf(body));
      expect([...done, ...dead].toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
    }
  });
});

describe('a subscriber that is blocked', () => {
  function blocked(bus: LocalBus<Events>, options = {}) {
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const seen: number[] = [];
    bus.subscribe(
      'orders.created',
      'blocked',
      ({ payload }) => {
        seen.push(payload.number);
        return gate;
      },
      options,
    );
    return { seen, open };
  }

  it('never stalls another, nor what the others are sent', async () => {
    const bus = open({ queueSize: 2 });
    const stuck = blocked(bus);
    const seen: number[] = [];
    bus.subscribe('orders.created', 'free', ({ payload }) => seen.push(payload.number));
    const publishing = Array.from({ length: 100 }, (_, number) => bus.publish('orders.created', { number }));
    await turn();
    expect(seen).toHaveLength(100);
    expect(stuck.seen).toEqual([0]);
    stuck.open();
    await Promise.all(publishing);
    await turn();
    expect(stuck.seen).toEqual(Array.from({ length: 100 }, (_, number) => number));
  });

  it('makes a publish wait for room in its queue, and one that waits no longer than its deadline', async () => {
    const bus = open({ queueSize: 1 });
    const stuck = blocked(bus);
    await bus.publish('orders.created', { number: 0 });
    await turn();
    await bus.publish('orders.created', { number: 1 });
    const failing = bus.publish('orders.created', { number: 2 }, { deadline: 20 });
    await expect(failing).rejects.toThrow(OverloadedError);
    await expect(failing).rejects.toMatchObject({ retryable: true, messageId: expect.any(String) });
    const abort = new AbortController();
    const given = bus.publish('orders.created', { number: 3 }, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    const waiting = bus.publish('orders.created', { number: 4 });
    stuck.open();
    expect(await waiting).toMatchObject({ outcome: 'accepted' });
    await turn();
    expect(stuck.seen).toEqual([0, 1, 4]);
    expect(only(bus.stats())).toMatchObject({ acked: 3, waiting: 0, blocked: 0 });
  });

  it('gets what it missed when the publish is repeated under the same id, and the others do not get it twice', async () => {
    const bus = open({ queueSize: 1 });
    const stuck = blocked(bus);
    const seen: number[] = [];
    bus.subscribe('orders.created', 'free', ({ payload }) => seen.push(payload.number));
    for (const number of [0, 1]) {
      await bus.publish('orders.created', { number });
      await turn();
    }
    const error: unknown = await bus.publish('orders.created', { number: 2 }, { deadline: 10 }).catch((why) => why);
    const id = error instanceof OverloadedError ? (error.messageId ?? '') : '';
    stuck.open();
    await turn();
    expect(await bus.publish('orders.created', { number: 2 }, { id })).toEqual({ id, outcome: 'accepted' });
    await turn();
    expect([stuck.seen, seen]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it('goes without what does not fit where it discards on blocking', async () => {
    const told: SlowChannel[] = [];
    const bus = open({ onSlowConsumer: (slow) => told.push(slow) });
    const stuck = blocked(bus, { queueSize: 1, discardOnBlocking: true });
    await bus.publish('orders.created', { number: 0 });
    await turn();
    for (const number of [1, 2, 3]) await bus.publish('orders.created', { number });
    expect(only(bus.stats())).toMatchObject({ channel: 'blocked', discarded: 2 });
    expect(told).toMatchObject([{ topic: 'orders.created', channel: 'blocked', waiting: 1, discarded: 1 }]);
    stuck.open();
    await turn();
    expect(stuck.seen).toEqual([0, 1]);
  });

  it('goes without what is emitted, as nobody could wait', async () => {
    const bus = open({ queueSize: 1, onSlowConsumer: () => {} });
    blocked(bus);
    expect(bus.emit('orders.created', { number: 0 })).toBe(true);
    await turn();
    expect(bus.emit('orders.created', { number: 1 })).toBe(true);
    expect(bus.emit('orders.created', { number: 2 })).toBe(false);
  });

  it('is called slow once for every publish timeout, as long as somebody waits', async () => {
    let tell: (slow: SlowChannel) => void = () => {};
    const told = () =>
      new Promise<SlowChannel>((resolve) => {
        tell = resolve;
      });
    const bus = open({ queueSize: 1, publishTimeout: 20, onSlowConsumer: (slow) => tell(slow) });
    const stuck = blocked(bus);
    await bus.publish('orders.created', { number: 0 });
    await turn();
    const publishing = [1, 2, 3].map((number) => bus.publish('orders.created', { number }));
    expect(await told()).toMatchObject({ channel: 'blocked', waiting: 1, blocked: 2 });
    expect(await told()).toMatchObject({ blocked: 2 });
    stuck.open();
    await Promise.all(publishing);
  });

  it('is a process warning by default', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const bus = open({ queueSize: 1, publishTimeout: 10 });
    const stuck = blocked(bus);
    await bus.publish('orders.created', { number: 0 });
    await turn();
    const publishing = [1, 2].map((number) => bus.publish('orders.created', { number }));
    expect(await warned).toMatchObject({
      name: 'SlowConsumerWarning',
      message: expect.stringContaining('the channel "blocked" of "orders.created" is full: 1 messages wait for it'),
    });
    stuck.open();
    await Promise.all(publishing);
  });

  it('bounds how many publishes wait', async () => {
    const bus = open({ queueSize: 1, maxPending: 1 });
    blocked(bus);
    await bus.publish('orders.created', { number: 0 });
    await turn();
    await bus.publish('orders.created', { number: 1 });
    const waiting = bus.publish('orders.created', { number: 2 });
    await expect(bus.publish('orders.created', { number: 3 })).rejects.toMatchObject({ reason: 'OVERLOADED' });
    await bus.close({ timeout: 0 });
    await expect(waiting).rejects.toMatchObject({ name: 'ClosedError' });
  });
});

describe('dead letters', () => {
  it('are kept with what the handler threw, and can be given to their channel again', async () => {
    const bus = open({ retry: { maxRetries: 1, backoff: 0 } });
    let fails = true;
    const seen: number[] = [];
    bus.subscribe('orders.*', 'billing', ({ attempt }) => {
      seen.push(attempt);
      if (fails) throw new RangeError('no such order');
    });
    await bus.publish('orders.created', { number: 7 }, { key: 'k', headers: { a: 'b' } });
    await turn();
    const [letter] = bus.deadLetters({ topic: 'orders.created', channel: 'billing' });
    expect(letter).toMatchObject({
      topic: 'orders.created',
      channel: 'billing',
      subscribed: 'orders.*',
      key: 'k',
      attempts: 2,
      reason: 'no such order',
      payload: { number: 7 },
      error: expect.any(RangeError),
    });
    expect(Buffer.from(letter?.body ?? []).toString()).toBe('{"number":7}');
    expect(bus.deadLetters({ topic: 'orders.paid' })).toEqual([]);
    fails = false;
    expect(bus.redrive({ id: 'another' })).toBe(0);
    expect(bus.redrive()).toBe(1);
    await turn();
    expect(bus.deadLetters()).toEqual([]);
    expect(seen).toEqual([1, 2, 1]);
    expect(only(bus.stats())).toMatchObject({ acked: 1, retried: 1, dead: 1 });
  });

  it('are bounded: the oldest go', async () => {
    const bus = open({ retry: { maxRetries: 0 }, maxDeadLetters: 2 });
    bus.subscribe('orders.created', 'c', () => Promise.reject(new Error('no')));
    for (const number of [1, 2, 3]) await bus.publish('orders.created', { number });
    await turn();
    expect(bus.deadLetters().map(({ payload }) => payload)).toEqual([{ number: 2 }, { number: 3 }]);
  });
});

describe('close', () => {
  it('waits until what was published is handled, as nothing keeps it', async () => {
    const bus = open();
    const seen: number[] = [];
    bus.subscribe('orders.created', 'c', async ({ payload: { number } }) => {
      await turn();
      await turn();
      seen.push(number);
    });
    for (const number of [1, 2, 3]) bus.emit('orders.created', { number });
    await bus.publish('orders.created', { number: 4 }, { delay: '1h' });
    await bus.close();
    expect(seen).toEqual([1, 2, 3]);
    expect(() => bus.emit('orders.created', { number: 5 })).toThrow('the bus is closed');
  });

  it('gives up when its time is over', async () => {
    const bus = open();
    let signal: AbortSignal | undefined;
    bus.subscribe('orders.created', 'c', (message) => {
      signal = message.signal;
      return new Promise(() => {});
    });
    bus.emit('orders.created', { number: 1 });
    await bus.close({ timeout: 20 });
    expect(signal?.aborted).toBe(true);
  });
});

describe('limits', () => {
  it.each([
    ['queueSize', { queueSize: 0 }],
    ['publishTimeout', { publishTimeout: 0 }],
    ['dedupeWindow', { dedupeWindow: '8d' }],
    ['retry.backoff.multiplier', { retry: { backoff: { initial: 1, multiplier: 0.5 } } }],
    ['retry.backoff.max', { retry: { backoff: { initial: '2s', max: '1s' } } }],
    ['maxScheduled', { maxScheduled: 1.5 }],
  ] satisfies [string, LocalBusOptions][])('%s out of range is refused', (field, options) => {
    expect(() => localBus(options)).toThrow(expect.objectContaining({ name: 'InvalidArgumentError', field }));
  });

  it('bound what waits for its time', async () => {
    const bus = open({ maxScheduled: 1 });
    await bus.publish('orders.created', { number: 1 }, { delay: '1h' });
    const failing = bus.publish('orders.created', { number: 2 }, { delay: '1h' });
    await expect(failing).rejects.toMatchObject({ name: 'OverloadedError', reason: 'OVERLOADED' });
  });
});

describe('the module', () => {
  it('loads neither gRPC nor protobuf, nor anything else that is not Node', () => {
    const seen = new Set<string>();
    const outside = new Set<string>();
    const visit = (file: URL) => {
      if (seen.has(file.href)) return;
      seen.add(file.href);
      const source = readFileSync(file, 'utf8');
      for (const [, from = ''] of source.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms)) {
        if (from.startsWith('.')) visit(new URL(from.replace(/\.js$/, '.ts'), file));
        else outside.add(from);
      }
    };
    visit(new URL('index.ts', import.meta.url));
    visit(new URL('../testing/index.ts', import.meta.url));
    expect([...outside].filter((name) => !name.startsWith('node:'))).toEqual([]);
    expect(seen.size).toBeGreaterThan(20);
  });
});
