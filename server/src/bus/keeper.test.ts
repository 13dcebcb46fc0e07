import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer, type TestConsumerOptions } from '../fixture/consumer.js';
import { type EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { allShards } from '../fixture/shards.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';

describe('the keeper', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let channel: Channel;

  beforeEach(async () => {
    ({ fixture, bus, channel } = await oneChannel());
  });

  async function holding(ids: string[], options: TestConsumerOptions = {}): Promise<TestConsumer> {
    const made = new TestConsumer(bus, channel, { leaseMs: 60 * MINUTE_MS, ...options });
    onTestFinished(() => made.subscription.close('end'));
    await bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);
    await made.has(ids.length);
    return made;
  }

  const later = async (ms: number) => {
    fixture.clock.advance(ms);
    await bus.keeper.runOnce();
  };

  test('records a hand-out that is not settled within half a second, once', async () => {
    const made = await holding(['a']);
    await later(500);
    expect(fixture.ledger.written).toEqual([]);
    await later(1);
    await later(100);
    expect(fixture.ledger.statesOf('a')).toEqual(['delivered']);
    expect(await made.ack('a')).toEqual(['ok']);
    expect(fixture.ledger.statesOf('a')).toEqual(['delivered', 'acked']);
  });

  test('records nothing of what is settled sooner', async () => {
    const made = await holding(['a']);
    await made.ack('a');
    await later(1_000);
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
  });

  test('ends a lease: the message is tried again by the policy, and its place is free', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    await later(1_000);
    expect(fixture.ledger.written.map(({ state, reason }) => [state, reason])).toEqual([['retry', 'lease expired']]);
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now() + 10_000);
    expect(made.subscription.held).toBe(0);
    expect(fixture.broker.acked).toBe(1);
  });

  test('makes a message dead whose lease ended at its last attempt', async () => {
    channel = await bus.channels.open('orders', 'billing', { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 1 } });
    await holding(['a'], { leaseMs: 1_000 });
    await later(1_000);
    expect(fixture.ledger.written.map(({ state, reason }) => [state, reason])).toEqual([['dead', 'lease expired']]);
  });

  test('moves what is held for over ten minutes from the broker to the ledger', async () => {
    const made = await holding(['a', 'b']);
    await later(10 * MINUTE_MS);
    expect(fixture.broker.acked).toBe(0);
    await later(1);
    expect(fixture.broker.acked).toBe(1);
    expect(made.subscription.held).toBe(2);
    expect(await made.ack('a')).toEqual(['ok']);
    expect(await made.settle({ kind: 'nack', delayMs: 5, reason: 'busy' }, 'b')).toEqual(['ok']);
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now() + 5);
    expect(made.subscription.held).toBe(0);
  });

  test('no frame stays unsettled for half an hour behind a consumer that takes a minute for each message', async () => {
    const ids = Array.from({ length: 32 }, (_, i) => `m${i}`);
    const made = new TestConsumer(bus, channel, { credit: 1, leaseMs: 60 * MINUTE_MS });
    onTestFinished(() => made.subscription.close('end'));
    await settled();
    await bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);
    for (let minute = 1; minute <= 32; minute++) {
      await made.has(minute);
      for (let i = 0; i < 6; i++) await later(MINUTE_MS / 6);
      await made.ack(made.ids.at(-1) ?? '');
      if (minute === 11) expect(fixture.broker.acked).toBe(1);
    }
    expect(made.ids.toSorted()).toEqual(ids.toSorted());
    expect(made.deliveries.every(({ attempt }) => attempt === 1)).toBe(true);
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
  });

  test('a frame that waits here whole goes back, and comes anew', async () => {
    const made = await holding(['a'], { credit: 1 });
    await bus.publish(messages('orders', 'b'), 'messages', fixture.clock.now() + 5_000);
    await until(() => bus.local(channel.id)?.buffered === 1, 'buffered message');
    await later(10 * MINUTE_MS);
    expect(fixture.broker.requeued).toBe(0);
    await later(MINUTE_MS);
    expect(fixture.broker.requeued).toBe(1);
    await made.ack('a');
    await made.has(2);
    expect(made.deliveries[1]?.attempt).toBe(1);
  });

  test('moves a message whose frame is old, however often it changed hands', async () => {
    const first = await holding(['a']);
    await later(9 * MINUTE_MS);
    const second = new TestConsumer(bus, channel, { name: 'c2', leaseMs: 60 * MINUTE_MS });
    await first.subscription.close('it went away');
    await second.has(1);
    await later(9 * MINUTE_MS);
    const third = new TestConsumer(bus, channel, { name: 'c3', leaseMs: 60 * MINUTE_MS });
    onTestFinished(() => third.subscription.close('end'));
    await second.subscription.close('it went away');
    await third.has(1);
    await later(3 * MINUTE_MS);
    expect(fixture.ledger.statesOf('a').at(-1)).toBe('leased');
    expect(fixture.broker.acked).toBe(1);
    expect(await third.ack('a')).toEqual(['ok']);
  });

  test('leaves a lease that the ledger holds to the ledger', async () => {
    const made = await holding(['a'], { leaseMs: 11 * MINUTE_MS });
    await later(10 * MINUTE_MS + 1);
    await later(MINUTE_MS);
    expect(made.subscription.held).toBe(0);
    const leases = await fixture.engine.schedule.expiredLeases(fixture.clock.now(), 10, allShards(1));
    expect(leases.map(({ id, attempt }) => [id, attempt])).toEqual([['a', 1]]);
    await bus.settler.expireLeases(leases);
    expect(fixture.ledger.statesOf('a').at(-1)).toBe('retry');
    expect(await made.ack('a')).toEqual(['stale']);
  });

  test('an extend of what the ledger holds is kept by the ledger', async () => {
    const made = await holding(['a'], { leaseMs: 11 * MINUTE_MS });
    await later(10 * MINUTE_MS + 1);
    expect(await made.settle({ kind: 'extend', leaseMs: 60 * MINUTE_MS }, 'a')).toEqual(['ok']);
    fixture.clock.advance(30 * MINUTE_MS);
    expect(await fixture.engine.schedule.expiredLeases(fixture.clock.now(), 10, allShards(1))).toEqual([]);
    expect(await made.ack('a')).toEqual(['ok']);
  });

  test('tries what the ledger holds again at once when its consumer goes away', async () => {
    const made = await holding(['a']);
    await later(10 * MINUTE_MS + 1);
    await made.subscription.close('it went away');
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now());
    expect(fixture.ledger.statesOf('a').at(-1)).toBe('retry');
  });

  test('keeps the message in the broker until the ledger has it', async () => {
    await holding(['a']);
    fixture.clock.advance(10 * MINUTE_MS + 1);
    fixture.ledger.wait();
    const moving = bus.keeper.runOnce();
    await settled();
    expect(fixture.broker.acked).toBe(0);
    fixture.ledger.goOn();
    await moving;
    expect(fixture.broker.acked).toBe(1);
  });

  /** It has no place for the body of `big`. */
  const tooLarge = (id: string, change: string) =>
    id === 'big' && change !== 'delivered' ? new BusError('BODY_TOO_LARGE', 'larger than it takes') : undefined;

  test('one message that the ledger cannot take keeps no other from the end of its lease, and is tried again later', async () => {
    const made = await holding(['big', 'x', 'y'], { leaseMs: 1_000 });
    fixture.ledger.refuse(tooLarge);
    await later(1_000);
    expect([fixture.ledger.statesOf('x'), fixture.ledger.statesOf('y')]).toEqual([['retry'], ['retry']]);
    expect(bus.tally.leasesExpired).toBe(2);
    expect(made.subscription.held).toBe(1);
    fixture.ledger.refuse(() => undefined);
    await later(100);
    expect(made.subscription.held).toBe(1);
    await later(10_000);
    expect(fixture.ledger.statesOf('big')).toEqual(['retry']);
    expect(bus.tally.leasesExpired).toBe(3);
    expect(fixture.broker.acked).toBe(1);
  });

  test('one message that the ledger cannot take keeps no other from being moved there', async () => {
    const made = await holding(['big', 'x', 'y']);
    fixture.ledger.refuse(tooLarge);
    await later(10 * MINUTE_MS + 1);
    expect([fixture.ledger.statesOf('x'), fixture.ledger.statesOf('y')]).toEqual([['leased'], ['leased']]);
    expect(fixture.broker.acked).toBe(0);
    fixture.ledger.refuse(() => undefined);
    expect(await made.ack('big', 'x', 'y')).toEqual(['ok', 'ok', 'ok']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('counts no end of a lease that the ledger did not take', async () => {
    await holding(['a'], { leaseMs: 1_000 });
    fixture.ledger.fail();
    for (let i = 0; i < 3; i++) await later(1_000);
    expect(bus.tally.leasesExpired).toBe(0);
    fixture.ledger.goOn();
    await later(100);
    expect(bus.tally.leasesExpired).toBe(1);
  });

  test('does not fail with a ledger that is stopped', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    fixture.ledger.fail();
    await later(1_000);
    expect(made.subscription.held).toBe(1);
    fixture.ledger.goOn();
    await later(100);
    expect(fixture.ledger.statesOf('a')).toEqual(['retry']);
  });

  test('looks by itself once it is started, and stops twice without harm', async () => {
    await holding(['a'], { leaseMs: 1_000 });
    await bus.keeper.stop();
    await bus.keeper.start();
    onTestFinished(() => bus.keeper.stop());
    fixture.clock.advance(1_000);
    await until(() => fixture.ledger.written.length === 1, 'expiry');
    await bus.keeper.stop();
    await bus.keeper.stop();
  });
});
