import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { incoming } from '../fixture/incoming.js';
import { allShards } from '../fixture/shards.js';
import { settled } from '../fixture/until.js';
import { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';
import { CLAIM_MS } from './release.js';

describe('releasing what is due', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
  });

  const delayed = (id: string, topic = 'orders', ttlMs = 0n) => incoming({ topic, id, delayMs: 1_000n, ttlMs });

  async function schedule(...list: ReturnType<typeof incoming>[]): Promise<void> {
    await bus.publish(list, 'messages', fixture.clock.now() + 5_000);
    fixture.clock.advance(1_000);
  }

  const claim = () => fixture.engine.schedule.claim(fixture.clock.now(), 100, CLAIM_MS, allShards(1));

  async function consumer(topic = 'orders'): Promise<TestConsumer> {
    const made = new TestConsumer(bus, await bus.channels.open(topic, 'billing', undefined));
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  test('publishes each to its topic, marked to be verified, and settles the claim', async () => {
    const orders = await consumer('orders');
    const invoices = await consumer('invoices');
    await schedule(delayed('a'), delayed('b', 'invoices'), delayed('c'));
    expect(await bus.releaser.release(await claim())).toBe(3);
    await Promise.all([orders.has(2), invoices.has(1)]);
    expect(orders.ids).toEqual(['a', 'c']);
    expect(fixture.broker.frames.every(({ verify }) => verify)).toBe(true);
    expect(await fixture.engine.schedule.nextDue()).toBeUndefined();
  });

  test('parks what no channel wants', async () => {
    await schedule(delayed('a'));
    expect(await bus.releaser.release(await claim())).toBe(0);
    expect(await fixture.engine.schedule.parkedTopics(10)).toEqual(['orders']);
    const made = await consumer();
    await made.has(1);
  });

  test('ends what expired in the wait', async () => {
    const made = await consumer();
    await schedule(delayed('a', 'orders', 1_500n));
    fixture.clock.advance(500);
    expect(await bus.releaser.release(await claim())).toBe(0);
    await settled();
    expect(made.ids).toEqual([]);
    expect(await fixture.engine.schedule.nextDue()).toBeUndefined();
  });

  test('leaves under its claim what the broker did not take, and it goes again after that', async () => {
    const made = await consumer();
    await schedule(delayed('a'));
    fixture.broker.intercept = async () => {
      throw new BusError('BROKER_UNAVAILABLE', 'away');
    };
    expect(await bus.releaser.release(await claim())).toBe(0);
    expect(await claim()).toEqual([]);
    fixture.broker.intercept = (_frame, _to, real) => real();
    fixture.clock.advance(CLAIM_MS);
    expect(await bus.releaser.release(await claim())).toBe(1);
    await made.has(1);
  });

  test('makes no second message of a copy, once one of them is acked', async () => {
    const made = await consumer();
    await schedule(delayed('a'));
    const batch = await claim();
    await bus.releaser.release(batch);
    await made.has(1);
    await made.ack('a');
    // As after a crash between the confirm and the settle of the claim.
    await bus.releaser.release(batch);
    await settled();
    expect(made.ids).toEqual(['a']);
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('brings a retry to its own channel alone', async () => {
    const billing = await consumer();
    const audit = new TestConsumer(bus, await bus.channels.open('orders', 'audit', undefined));
    onTestFinished(() => audit.subscription.close('end'));
    await bus.publish([incoming({ topic: 'orders', id: 'a' })], 'messages', fixture.clock.now() + 5_000);
    await Promise.all([billing.has(1), audit.has(1)]);
    await billing.settle({ kind: 'nack', delayMs: 1_000, reason: '' }, 'a');
    fixture.clock.advance(1_000);
    await bus.releaser.release(await claim());
    await billing.has(2);
    await settled();
    expect(audit.ids).toEqual(['a']);
  });

  test('makes the queue of a channel again that somebody deleted', async () => {
    const billing = await consumer();
    await bus.publish([incoming({ topic: 'orders', id: 'a' })], 'messages', fixture.clock.now() + 5_000);
    await billing.has(1);
    await billing.settle({ kind: 'nack', delayMs: 1_000, reason: '' }, 'a');
    fixture.clock.advance(1_000);
    let gone = true;
    fixture.broker.intercept = async (_frame, _to, real) => {
      if (!gone) return real();
      gone = false;
      return 'unroutable';
    };
    expect(await bus.releaser.release(await claim())).toBe(1);
    await billing.has(2);
    expect(await fixture.engine.schedule.parkedTopics(10)).toEqual([]);
  });

  test('packs what goes to one place into frames, of one topic each', async () => {
    bus = fixture.bus({ frameMessages: 4 });
    const made = await consumer('#');
    const list = Array.from({ length: 10 }, (_, i) => delayed(`m${i}`, i < 7 ? 'orders' : 'invoices'));
    await schedule(...list);
    await bus.releaser.release(await claim());
    await made.has(10);
    const frames = fixture.broker.frames.map(({ topic, messages }) => `${topic}:${messages.length}`);
    expect(frames.sort()).toEqual(['invoices:3', 'orders:3', 'orders:4']);
  });

  test('is not ready while the broker is away', () => {
    expect(bus.releaser.ready).toBe(true);
    fixture.broker.fault = 'away';
    expect(bus.releaser.ready).toBe(false);
  });
});

describe('what waits', () => {
  test('is withdrawn or put off, but only until its delivery begins', async () => {
    const fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    const bus = fixture.bus();
    const now = fixture.clock.now();
    const list = ['a', 'b', 'c'].map((id) => incoming({ topic: 'orders', id, delayMs: 1_000n }));
    await bus.publish(list, 'messages', now + 5_000);
    await bus.cancel('orders', 'a');
    await expect(bus.cancel('orders', 'a')).rejects.toMatchObject({ reason: 'SCHEDULED_NOT_FOUND' });
    const told: number[] = [];
    bus.onScheduled((dueAt) => told.push(dueAt));
    expect(await bus.reschedule('orders', 'b', { delayMs: 9_000, dueTimeMs: 0 })).toBe(now + 9_000);
    expect(told).toEqual([now + 9_000]);
    expect(await bus.reschedule('orders', 'b', { delayMs: 0, dueTimeMs: 5 })).toBe(now);
    fixture.clock.advance(1_000);
    await fixture.engine.schedule.claim(fixture.clock.now(), 10, 1_000, allShards(1));
    await expect(bus.cancel('orders', 'c')).rejects.toMatchObject({ reason: 'ALREADY_DELIVERED' });
    await expect(bus.reschedule('orders', 'c', { delayMs: 1, dueTimeMs: 0 })).rejects.toMatchObject({
      reason: 'ALREADY_DELIVERED',
    });
  });
});
