import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { incoming, messages } from '../fixture/incoming.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';
import { formatReceipt } from './receipt.js';

describe('under races and faults', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
  });

  const publish = (topic: string, ...ids: string[]) =>
    bus.publish(messages(topic, ...ids), 'messages', fixture.clock.now() + 5_000);
  const open = (topic = 'orders', name = 'billing'): Promise<Channel> => bus.channels.open(topic, name, undefined);

  test('a receipt that stands twice in one ack settles its message once', async () => {
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    await publish('orders', 'a', 'b');
    await consumer.has(2);
    expect(fixture.broker.frames).toHaveLength(1);
    await consumer.ack('a', 'a');
    // The frame holds b as well, which nobody settled: the broker must keep it.
    expect(fixture.broker.acked).toBe(0);
  });

  test('a message that expires after a first hand-out is recorded as expired', async () => {
    const channel = await open();
    const first = new TestConsumer(bus, channel);
    await bus.publish([incoming({ topic: 'orders', id: 'a', ttlMs: 5_000n })], 'messages', fixture.clock.now() + 5_000);
    await first.has(1);
    await first.subscription.close('it went away');
    await until(() => fixture.broker.requeued === 1, 'returned frame');
    fixture.clock.advance(10_000);
    const second = new TestConsumer(bus, channel);
    onTestFinished(() => second.subscription.close('end'));
    await until(() => fixture.broker.acked === 1, 'acked frame');
    // The broker forgot the message, so the ledger must know its end.
    expect(fixture.ledger.statesOf('a')).toEqual(['returned', 'expired']);
  });

  test('an id that another call brings to acceptance on another topic is no duplicate', async () => {
    await open('orders');
    await open('invoices');
    let fail = () => {};
    const failing = new Promise<void>((resolve) => {
      fail = resolve;
    });
    fixture.broker.intercept = async (frame, _to, real) => {
      if (frame.topic !== 'orders') return real();
      await failing;
      throw new BusError('OVERLOADED', 'too much');
    };
    const both = bus.publish(
      [...messages('orders', 'x'), ...messages('invoices', 'x')],
      'messages',
      fixture.clock.now() + 5_000,
    );
    await settled();
    const again = publish('orders', 'x');
    await settled();
    fail();
    expect((await both).map(({ error }) => error?.reason)).toEqual(['OVERLOADED', undefined]);
    expect((await again)[0]?.outcome).not.toBe('duplicate');
  });

  test('of two calls that publish one id at the same time, one is the duplicate', async () => {
    await open();
    const [[one], [two]] = await Promise.all([publish('orders', 'x'), publish('orders', 'x')]);
    expect([one?.outcome, two?.outcome].sort()).toEqual(['accepted', 'duplicate']);
  });

  test('the second of two equal ids in one call is no duplicate of one that failed', async () => {
    await open();
    fixture.broker.intercept = async () => {
      throw new BusError('OVERLOADED', 'too much');
    };
    const results = await publish('orders', 'x', 'x');
    expect(results.map(({ error }) => error?.reason)).toEqual(['OVERLOADED', 'OVERLOADED']);
  });

  test('the first channel of a topic gets its parked messages, however many other topics wait for a channel', async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => incoming({ topic: `nobody-${i}` }));
    await bus.publish(many, 'messages', fixture.clock.now() + 60_000);
    await publish('orders', 'a');
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    await settled();
    await bus.parking.runOnce();
    await consumer.has(1);
  });

  test('an ack that comes while its message moves to the ledger is good', async () => {
    const consumer = new TestConsumer(bus, await open(), { leaseMs: 60 * MINUTE_MS });
    onTestFinished(() => consumer.subscription.close('end'));
    await publish('orders', 'a');
    await consumer.has(1);
    fixture.clock.advance(11 * MINUTE_MS);
    fixture.ledger.wait();
    const moved = bus.keeper.runOnce();
    const acked = consumer.ack('a');
    fixture.ledger.goOn();
    await moved;
    expect(await acked).toEqual(['ok']);
  });

  test('an ack right behind an extend is good for a message that the ledger holds', async () => {
    const consumer = new TestConsumer(bus, await open(), { leaseMs: 60 * MINUTE_MS });
    onTestFinished(() => consumer.subscription.close('end'));
    await publish('orders', 'a');
    await consumer.has(1);
    fixture.clock.advance(11 * MINUTE_MS);
    await bus.keeper.runOnce();
    const [extended, acked] = await Promise.all([
      consumer.settle({ kind: 'extend', leaseMs: undefined }, 'a'),
      consumer.ack('a'),
    ]);
    expect([extended, acked]).toEqual([['ok'], ['ok']]);
  });

  test('an ack of a pulled message after its lease is stale, even before a worker has ended the lease', async () => {
    const channel = await open();
    await publish('orders', 'a');
    const signal = new AbortController().signal;
    const until = fixture.clock.now() + 1_000;
    const [pulled] = await bus.pull(channel, { consumer: 'c', leaseMs: 1_000, max: 1, until, signal });
    fixture.clock.advance(2_000);
    expect(await bus.settle([pulled?.receipt ?? ''], { kind: 'ack' })).toEqual(['stale']);
  });

  test('a publish that a healthy broker refuses at once is not tried again without a pause', async () => {
    await open();
    let tries = 0;
    fixture.broker.intercept = async () => {
      // The bound keeps a loop without a pause from hanging the test.
      throw new BusError(++tries < 2_000 ? 'BROKER_UNAVAILABLE' : 'OVERLOADED', 'refused');
    };
    const published = publish('orders', 'a');
    await delay(200);
    fixture.clock.advance(6_000);
    await published;
    expect(tries).toBeLessThan(50);
  });

  test('frames that failed go again in their order', async () => {
    bus = fixture.bus({ frameMessages: 1 });
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    let calls = 0;
    fixture.broker.intercept = async (_frame, _to, real) => {
      if (++calls > 3) return real();
      if (calls === 3) fixture.broker.fault = 'away';
      throw new BusError('BROKER_UNAVAILABLE', 'away');
    };
    const published = publish('orders', 'a', 'b', 'c');
    await settled();
    fixture.broker.fault = undefined;
    await published;
    await consumer.has(3);
    expect(consumer.ids).toEqual(['a', 'b', 'c']);
  });

  test('a gateway whose consumers all drain asks the broker for nothing more', async () => {
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    await settled();
    consumer.subscription.quiesce();
    await publish('orders', 'a');
    await settled();
    expect(fixture.broker.prefetches).toEqual([0]);
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('a receipt keeps to the 320 characters that the contract states', async () => {
    const channel = await open('#', 'all');
    const message = {
      topic: 't'.repeat(128),
      id: 'i'.repeat(128),
      key: '',
      acceptedAt: 0,
      expiresAt: 0,
      wire: Buffer.alloc(0),
    };
    expect(formatReceipt('streamed', channel, 1, 2 ** 52, message).length).toBeLessThanOrEqual(320);
  });

  test('a copy of a message that a consumer of this gateway is working on is not handed out', async () => {
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    let first = true;
    fixture.broker.intercept = async (_frame, _to, real) => {
      const routing = await real();
      if (!first) return routing;
      first = false;
      throw new BusError('BROKER_UNAVAILABLE', 'the confirm got lost');
    };
    await publish('orders', 'a');
    await consumer.has(1);
    await settled();
    expect(await consumer.settle({ kind: 'ack' }, 'a')).toEqual(['ok']);
    expect(consumer.ids).toEqual(['a']);
  });

  test('what a consumer held goes to others at once, even when it was about to move to the ledger', async () => {
    const channel = await open();
    const first = new TestConsumer(bus, channel, { leaseMs: 1_000 * MINUTE_MS });
    await publish('orders', 'a');
    await first.has(1);
    fixture.clock.advance(11 * MINUTE_MS);
    fixture.ledger.wait();
    const moved = bus.keeper.runOnce();
    const closed = first.subscription.close('it went away');
    fixture.ledger.goOn();
    await Promise.all([moved, closed]);
    await settled();
    const due = await fixture.engine.schedule.nextDue();
    const second = new TestConsumer(bus, channel);
    onTestFinished(() => second.subscription.close('end'));
    await settled();
    expect(due !== undefined || second.ids.length === 1).toBe(true);
  });

  test('a message that is claimed for a consumer and never sent to it uses no attempt', async () => {
    const channel = await open();
    const first = new TestConsumer(bus, channel);
    await publish('orders', 'a');
    await first.has(1);
    await first.subscription.close('it went away');
    for (let i = 1; i <= 3; i++) {
      await until(() => fixture.broker.requeued === i, 'returned frame');
      // Its consumer is gone when the ledger answers.
      fixture.ledger.wait();
      const shy = new TestConsumer(bus, channel);
      await until(() => shy.subscription.held === 1, 'claim');
      await shy.subscription.close('it went away');
      fixture.ledger.goOn();
    }
    const last = new TestConsumer(bus, channel);
    onTestFinished(() => last.subscription.close('end'));
    await until(() => last.deliveries.length > 0 || fixture.broker.acked > 0, 'delivery');
    expect(last.deliveries.map(({ attempt }) => attempt)).toEqual([2]);
  });

  test('an empty list of messages is answered', async () => {
    const answer = bus.publish([], 'messages', fixture.clock.now() + 1_000);
    expect(await Promise.race([answer, delay(200, 'no answer')])).toEqual([]);
  });

  test('a publish under an id that another call brings is answered by its own deadline', async () => {
    await open();
    fixture.broker.intercept = () => new Promise(() => {});
    const deadline = fixture.clock.now() + 60_000;
    const long = bus.publish(messages('orders', 'x'), 'messages', deadline);
    await settled();
    const short = bus.publish(messages('orders', 'x'), 'messages', fixture.clock.now() + 100);
    await settled();
    fixture.clock.advance(1_000);
    const answer = await Promise.race([short, delay(500, 'no answer')]);
    fixture.clock.advance(60_000);
    await Promise.all([long, short]);
    expect(answer).not.toBe('no answer');
  });

  test('a pull that was given up before it was answered does not end a message', async () => {
    bus = fixture.bus({ defaultRetry: { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 1_000 } } });
    const channel = await open();
    await publish('orders', 'a');
    const caller = new AbortController();
    fixture.ledger.wait();
    const pulled = bus.pull(channel, {
      consumer: 'c',
      leaseMs: 1_000,
      max: 1,
      until: fixture.clock.now() + 10_000,
      signal: caller.signal,
    });
    await until(() => fixture.broker.unsettled === 1, 'frame');
    await settled();
    caller.abort();
    fixture.ledger.goOn();
    expect(await pulled).toEqual([]);
    expect(fixture.ledger.statesOf('a')).not.toContain('dead');
  });

  test('the keeper stops while the ledger is away', async () => {
    const consumer = new TestConsumer(bus, await open());
    await publish('orders', 'a');
    await consumer.has(1);
    fixture.clock.advance(600);
    fixture.ledger.wait();
    await bus.keeper.start();
    await delay(250);
    expect(await Promise.race([bus.keeper.stop(), delay(500, 'it hangs')])).not.toBe('it hangs');
    fixture.ledger.goOn();
    await consumer.subscription.close('end');
  });
});
