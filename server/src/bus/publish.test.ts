import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { incoming, messages } from '../fixture/incoming.js';
import { settled } from '../fixture/until.js';
import { BusError } from '../model/errors.js';
import type { Incoming } from '../model/message-codec.js';
import type { Bus } from './bus.js';

const timersOf = (resources: readonly string[]) => resources.filter((name) => name === 'Timeout').length;

describe('publishing', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
    await bus.channels.open('orders', 'billing', undefined);
  });

  const publish = (list: readonly Incoming[]) => bus.publish(list, 'messages', fixture.clock.now() + 5_000);
  const outcomes = async (list: readonly Incoming[]) => (await publish(list)).map(({ outcome }) => outcome);

  async function consumer(topic = 'orders'): Promise<TestConsumer> {
    const made = new TestConsumer(bus, await bus.channels.open(topic, 'billing', undefined));
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  test('answers accepted when the broker has the message', async () => {
    expect(await outcomes(messages('orders', 'a'))).toEqual(['accepted']);
    await (await consumer()).has(1);
  });

  test('gives an id to a message that has none', async () => {
    const [one, two] = await publish([incoming({ topic: 'orders' }), incoming({ topic: 'orders' })]);
    expect(one?.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(two?.id.slice(0, -4)).toBe(one?.id.slice(0, -4));
    const made = await consumer();
    await made.has(2);
    expect(made.ids).toEqual([one?.id, two?.id]);
  });

  test('answers scheduled for what is due later, and tells when', async () => {
    const told: number[] = [];
    bus.onScheduled((dueAt) => told.push(dueAt));
    const now = fixture.clock.now();
    const later = [incoming({ topic: 'orders', delayMs: 9_000n }), incoming({ topic: 'orders', delayMs: 5_000n })];
    expect(await outcomes(later)).toEqual(['scheduled', 'scheduled']);
    expect(told).toEqual([now + 5_000]);
    expect(await fixture.engine.schedule.nextDue()).toBe(now + 5_000);
    expect(fixture.broker.frames).toEqual([]);
  });

  test('answers parked for a topic that no channel wants', async () => {
    expect(await outcomes(messages('nobody', 'a'))).toEqual(['parked']);
    expect(await fixture.engine.schedule.parkedTopics(10)).toEqual(['nobody']);
  });

  test('answers duplicate for an id that was accepted before, on its topic alone', async () => {
    await bus.channels.open('invoices', 'billing', undefined);
    expect(await outcomes(messages('orders', 'a'))).toEqual(['accepted']);
    expect(await outcomes(messages('orders', 'a', 'b'))).toEqual(['duplicate', 'accepted']);
    expect(await outcomes(messages('invoices', 'a'))).toEqual(['accepted']);
    const made = await consumer();
    await made.has(2);
    await settled();
    expect(made.ids).toEqual(['a', 'b']);
  });

  test('takes an id once that stands twice in one call', async () => {
    expect(await outcomes(messages('orders', 'a', 'a'))).toEqual(['accepted', 'duplicate']);
    expect(fixture.broker.frames.flatMap((frame) => frame.messages)).toHaveLength(1);
  });

  test('answers duplicate for scheduled and parked messages too', async () => {
    const later = [incoming({ topic: 'orders', id: 'a', delayMs: 5_000n }), incoming({ topic: 'nobody', id: 'a' })];
    expect(await outcomes(later)).toEqual(['scheduled', 'parked']);
    expect(await outcomes(later)).toEqual(['duplicate', 'duplicate']);
  });

  test('sends an id whose outcome was not known again, marked to be verified', async () => {
    fixture.broker.intercept = async (_frame, _to, real) => {
      await real();
      throw new BusError('OVERLOADED', 'the confirm got lost');
    };
    expect((await publish(messages('orders', 'a')))[0]?.error?.reason).toBe('OVERLOADED');
    fixture.broker.intercept = (_frame, _to, real) => real();
    expect(await outcomes(messages('orders', 'a'))).toEqual(['accepted']);
    expect(fixture.broker.frames.map(({ verify }) => verify)).toEqual([false, true]);
    expect(await outcomes(messages('orders', 'a'))).toEqual(['duplicate']);
  });

  test('puts what must be verified in no frame with what is new', async () => {
    fixture.broker.intercept = async () => {
      throw new BusError('OVERLOADED', 'not now');
    };
    await publish(messages('orders', 'b'));
    fixture.broker.intercept = (_frame, _to, real) => real();
    expect(await outcomes(messages('orders', 'a', 'b', 'c'))).toEqual(['accepted', 'accepted', 'accepted']);
    const frames = fixture.broker.frames.slice(1);
    expect(frames.map(({ verify, messages }) => [verify, messages.map(({ id }) => id).join()])).toEqual([
      [false, 'a'],
      [true, 'b'],
      [false, 'c'],
    ]);
  });

  test('answers a mixed batch message by message, in order', async () => {
    const results = await publish([
      incoming({ topic: 'orders', id: 'now' }),
      incoming({ topic: '', id: 'bad' }),
      incoming({ topic: 'orders', id: 'later', delayMs: 5_000n }),
      incoming({ topic: 'nobody', id: 'parked' }),
      incoming({ topic: 'orders', id: 'now' }),
      incoming({ topic: 'orders', id: 'x y' }),
    ]);
    expect(results.map(({ id, outcome, error }) => [id, outcome ?? error?.reason, error?.field])).toEqual([
      ['now', 'accepted', undefined],
      ['bad', 'TOPIC_INVALID', 'messages[1].topic'],
      ['later', 'scheduled', undefined],
      ['parked', 'parked', undefined],
      ['now', 'duplicate', undefined],
      ['x y', 'ID_INVALID', 'messages[5].id'],
    ]);
  });

  test('answers a call at its deadline when the broker does not', async () => {
    let confirm = () => {};
    fixture.broker.intercept = async (_frame, _to, real) => {
      await new Promise<void>((resolve) => {
        confirm = resolve;
      });
      return real();
    };
    const published = publish(messages('orders', 'a'));
    await settled();
    fixture.clock.advance(5_000);
    const [result] = await published;
    expect(result?.error).toMatchObject({ reason: 'BROKER_UNAVAILABLE', retryable: true });
    confirm();
    await settled();
    fixture.broker.intercept = (_frame, _to, real) => real();
    expect(await outcomes(messages('orders', 'a'))).not.toEqual([undefined]);
  });

  test('waits for a broker that is away, and goes on when it is back', async () => {
    fixture.broker.fault = 'away';
    const published = outcomes(messages('orders', 'a'));
    await delay(120);
    expect(fixture.broker.frames).toEqual([]);
    fixture.broker.fault = undefined;
    expect(await published).toEqual(['accepted']);
  });

  test('holds nothing of calls that were answered while the broker was away', async () => {
    bus = fixture.bus({ maxPendingPublishBytes: 200 });
    fixture.broker.fault = 'away';
    const large = [incoming({ topic: 'orders', body: new Uint8Array(500) })];
    const published = publish(large);
    await settled();
    expect((await publish(large))[0]?.error?.reason).toBe('OVERLOADED');
    fixture.clock.advance(5_000);
    expect((await published)[0]?.error?.reason).toBe('BROKER_UNAVAILABLE');
    await delay(120);
    fixture.broker.fault = undefined;
    expect(await outcomes(large)).toEqual(['accepted']);
    expect(fixture.broker.frames).toHaveLength(1);
  });

  test('sends again, marked to be verified, what a broken connection made uncertain', async () => {
    let failures = 0;
    fixture.broker.intercept = async (_frame, _to, real) => {
      if (failures++ > 0) return real();
      throw new BusError('BROKER_UNAVAILABLE', 'the connection broke');
    };
    expect(await outcomes(messages('orders', 'a'))).toEqual(['accepted']);
    expect(fixture.broker.frames.map(({ verify }) => verify)).toEqual([false, true]);
    const made = await consumer();
    await made.has(1);
    expect(await made.ack('a')).toEqual(['ok']);
  });

  test('answers with the error of a broker that refuses', async () => {
    fixture.broker.intercept = async () => {
      throw new Error('something odd');
    };
    expect((await publish(messages('orders', 'a', 'b'))).map(({ error }) => error?.reason)).toEqual([
      'INTERNAL',
      'INTERNAL',
    ]);
  });

  test('keeps the order of a topic', async () => {
    const ids = Array.from({ length: 500 }, (_, i) => `m${i}`);
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < ids.length; i += 10) calls.push(publish(messages('orders', ...ids.slice(i, i + 10))));
    await Promise.all(calls);
    expect(fixture.broker.frames.flatMap((frame) => frame.messages.map(({ id }) => id))).toEqual(ids);
  });

  test('sends a lone message at once, and fills frames under load', async () => {
    await publish([incoming({ topic: 'orders' })]);
    expect(fixture.broker.frames.map((frame) => frame.messages.length)).toEqual([1]);
    const many = Array.from({ length: 320 }, () => incoming({ topic: 'orders' }));
    await Promise.all(many.map((one) => publish([one])));
    const sizes = fixture.broker.frames.slice(1).map((frame) => frame.messages.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(320);
    expect(sizes.length).toBeLessThanOrEqual(14);
    expect(Math.max(...sizes)).toBe(32);
  });

  test('lets a frame that is not full wait while several are on their way', async () => {
    const confirms: (() => void)[] = [];
    fixture.broker.intercept = async (_frame, _to, real) => {
      await new Promise<void>((resolve) => confirms.push(resolve));
      return real();
    };
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      calls.push(publish([incoming({ topic: 'orders' })]));
      await settled(5);
    }
    const before = fixture.broker.frames.length;
    expect(before).toBeLessThan(10);
    confirms.shift()?.();
    await settled();
    // All that waited went together.
    expect(fixture.broker.frames).toHaveLength(before + 1);
    expect(fixture.broker.frames.at(-1)?.messages).toHaveLength(10 - before);
    fixture.broker.intercept = (_frame, _to, real) => real();
    for (const confirm of confirms) confirm();
    await settled();
    for (const confirm of confirms) confirm();
    await Promise.all(calls);
  });

  test('answers what is under way when it is stopped, and whoever comes later, and leaves no timer', async () => {
    fixture.broker.fault = 'away';
    const hour = fixture.clock.now() + 3_600_000;
    const waiting = bus.publish(messages('orders', 'a'), 'messages', hour);
    await settled();
    expect(bus.counts.producers).toBe(1);
    const timers = timersOf(process.getActiveResourcesInfo());
    await bus.publisher.stop();
    await bus.publisher.stop();
    const late = bus.publish(messages('orders', 'b'), 'messages', hour);
    for (const [result] of await Promise.all([waiting, late])) {
      expect(result?.outcome).toBeUndefined();
      expect(result?.error?.reason).toBe('BROKER_UNAVAILABLE');
      expect(result?.error?.message).toContain('the gateway stopped');
    }
    expect(bus.counts.producers).toBe(0);
    expect(bus.bytes.pending).toBe(0);
    expect(timersOf(process.getActiveResourcesInfo())).toBeLessThan(timers);
  });

  test('closes a frame before it becomes too large', async () => {
    const large = Array.from({ length: 8 }, () => incoming({ topic: 'orders', body: new Uint8Array(100_000) }));
    await publish(large);
    expect(fixture.broker.frames.map((frame) => frame.messages.length)).toEqual([2, 2, 2, 2]);
  });

  test('puts messages of two topics in frames of their own', async () => {
    await bus.channels.open('invoices', 'billing', undefined);
    await publish([...messages('orders', 'a'), ...messages('invoices', 'b'), ...messages('orders', 'c')]);
    const frames = fixture.broker.frames.map(
      ({ topic, messages }) => `${topic}:${messages.map(({ id }) => id).join()}`,
    );
    expect(frames.sort()).toEqual(['invoices:b', 'orders:a,c']);
  });
});
