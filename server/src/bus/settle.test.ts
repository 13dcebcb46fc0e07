import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer, type TestConsumerOptions } from '../fixture/consumer.js';
import { type EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { allShards } from '../fixture/shards.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import type { Bus } from './bus.js';
import type { Action } from './change.js';

const ACK: Action = { kind: 'ack' };
const NACK: Action = { kind: 'nack', delayMs: undefined, reason: 'busy' };

describe('settling', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let channel: Channel;

  beforeEach(async () => {
    ({ fixture, bus, channel } = await oneChannel());
  });

  async function holding(ids: string[], options: TestConsumerOptions = {}): Promise<TestConsumer> {
    const made = new TestConsumer(bus, channel, options);
    onTestFinished(() => made.subscription.close('end'));
    await bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);
    await made.has(ids.length);
    return made;
  }

  test('an ack is written before the broker is told, and frees the credit', async () => {
    const made = await holding(['a']);
    fixture.ledger.wait();
    const acked = made.ack('a');
    await settled();
    expect(fixture.broker.acked).toBe(0);
    expect(made.subscription.held).toBe(1);
    fixture.ledger.goOn();
    expect(await acked).toEqual(['ok']);
    expect(fixture.broker.acked).toBe(1);
    expect(made.subscription.held).toBe(0);
    expect(bus.held).toBe(0);
    expect(fixture.ledger.written).toEqual([{ id: 'a', state: 'acked', attempt: 1, outcome: 'ok', reason: '' }]);
  });

  test('the broker is told when the last message of a frame is settled, in whatever way', async () => {
    const made = await holding(['a', 'b', 'c']);
    await made.ack('b');
    await made.settle(NACK, 'c');
    expect(fixture.broker.acked).toBe(0);
    await made.settle({ kind: 'reject', reason: 'bad' }, 'a');
    expect(fixture.broker.acked).toBe(1);
  });

  test('one call answers each receipt in its place', async () => {
    const made = await holding(['a', 'b']);
    await made.ack('a');
    const statuses = await bus.settle(['nonsense', made.receipt('b'), made.receipt('a'), 's1-1-5-/never'], ACK);
    expect(statuses.slice(0, 3)).toEqual(['unknown', 'ok', 'ok']);
  });

  test('a receipt of a channel that there is not is unknown', async () => {
    expect(await bus.settle(['szz-1-5-orders/a'], ACK)).toEqual(['unknown']);
  });

  test('an ack after the lease is stale, and the message goes on', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    fixture.clock.advance(1_000);
    expect(await made.ack('a')).toEqual(['stale']);
    await bus.keeper.runOnce();
    expect(fixture.ledger.statesOf('a')).toEqual(['retry']);
    expect(await made.ack('a')).toEqual(['stale']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('an ack just before the end of the lease is good', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    fixture.clock.advance(999);
    expect(await made.ack('a')).toEqual(['ok']);
  });

  test('an ack that is repeated is good again', async () => {
    const made = await holding(['a']);
    expect(await made.ack('a')).toEqual(['ok']);
    expect(await made.ack('a')).toEqual(['ok']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('a second settle on its way with the first gets the same answer if it is the same', async () => {
    const made = await holding(['a']);
    const receipt = made.receipt('a');
    const both = await Promise.all([
      bus.settle([receipt], ACK),
      bus.settle([receipt], ACK),
      bus.settle([receipt], NACK),
    ]);
    expect(both).toEqual([['ok'], ['ok'], ['stale']]);
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('a nack waits as the policy says, or as it says itself', async () => {
    const made = await holding(['a', 'b']);
    const told: number[] = [];
    bus.onScheduled((dueAt) => told.push(dueAt));
    const now = fixture.clock.now();
    expect(await made.settle(NACK, 'a')).toEqual(['ok']);
    expect(await made.settle({ kind: 'nack', delayMs: 50, reason: '' }, 'b')).toEqual(['ok']);
    expect(told).toEqual([now + 10_000, now + 50]);
    expect(await fixture.engine.schedule.nextDue()).toBe(now + 50);
    expect(fixture.ledger.written.map(({ state, reason }) => [state, reason])).toEqual([
      ['retry', 'busy'],
      ['retry', ''],
    ]);
  });

  test('a nacked message comes again with the next attempt', async () => {
    const made = await holding(['a']);
    await made.settle(NACK, 'a');
    fixture.clock.advance(9_999);
    expect(await fixture.engine.schedule.claim(fixture.clock.now(), 10, 1_000, allShards(1))).toEqual([]);
    fixture.clock.advance(1);
    await bus.releaser.release(await fixture.engine.schedule.claim(fixture.clock.now(), 10, 1_000, allShards(1)));
    await made.has(2);
    expect(made.deliveries[1]?.attempt).toBe(2);
    expect(await made.ack('a')).toEqual(['ok']);
  });

  test('a nack without retries left makes it dead, even with a delay', async () => {
    channel = await bus.channels.open('orders', 'billing', { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 1 } });
    const made = await holding(['a', 'b']);
    await made.settle({ kind: 'nack', delayMs: 5, reason: '' }, 'a');
    await made.settle(NACK, 'b');
    expect(fixture.ledger.written.map(({ state, reason }) => [state, reason])).toEqual([
      ['dead', 'nacked'],
      ['dead', 'busy'],
    ]);
  });

  test('a nack of what nobody began with uses no attempt, and needs no retry', async () => {
    channel = await bus.channels.open('orders', 'billing', { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 1 } });
    const made = await holding(['a', 'b']);
    const now = fixture.clock.now();
    const unhandled = { kind: 'nack', reason: 'stopped', unhandled: true } as const;
    expect(await made.settle({ ...unhandled, delayMs: undefined }, 'a')).toEqual(['ok']);
    expect(await made.settle({ ...unhandled, delayMs: 50 }, 'b')).toEqual(['ok']);
    expect(await fixture.engine.schedule.nextDue()).toBe(now);
    fixture.clock.advance(50);
    await bus.releaser.release(await fixture.engine.schedule.claim(fixture.clock.now(), 10, 1_000, allShards(1)));
    await made.has(4);
    expect(made.deliveries.slice(2).map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(await made.ack('a')).toEqual(['ok']);
  });

  test('a reject makes it dead at once', async () => {
    const made = await holding(['a', 'b']);
    expect(await made.settle({ kind: 'reject', reason: '' }, 'a')).toEqual(['ok']);
    expect(await made.settle({ kind: 'reject', reason: 'poison' }, 'b')).toEqual(['ok']);
    expect(fixture.ledger.written.map(({ state, reason }) => [state, reason])).toEqual([
      ['dead', 'rejected'],
      ['dead', 'poison'],
    ]);
    expect(await made.ack('a')).toEqual(['stale']);
  });

  test('an extend gives more time from now, and asks nobody', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    fixture.clock.advance(900);
    expect(await made.settle({ kind: 'extend', leaseMs: undefined }, 'a')).toEqual(['ok']);
    fixture.clock.advance(900);
    expect(await made.settle({ kind: 'extend', leaseMs: 5_000 }, 'a')).toEqual(['ok']);
    fixture.clock.advance(4_999);
    await bus.keeper.runOnce();
    expect(await made.ack('a')).toEqual(['ok']);
    expect(fixture.ledger.statesOf('a')).not.toContain('retry');
  });

  test('an extend after the lease is stale', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    fixture.clock.advance(1_000);
    expect(await made.settle({ kind: 'extend', leaseMs: 5_000 }, 'a')).toEqual(['stale']);
  });

  test('another gateway acks what this one streamed', async () => {
    const made = await holding(['a', 'b']);
    const other = fixture.bus();
    expect(await other.settle([made.receipt('a')], ACK)).toEqual(['ok']);
    expect(await made.ack('a')).toEqual(['ok']);
    // This one has the body, so it alone can have it tried again.
    expect(await other.settle([made.receipt('b')], { kind: 'extend', leaseMs: 1_000 })).toEqual(['stale']);
    expect(await made.ack('b')).toEqual(['ok']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('what another gateway acked is not tried again when its lease ends here', async () => {
    const made = await holding(['a'], { leaseMs: 1_000 });
    await fixture.bus().settle([made.receipt('a')], ACK);
    fixture.clock.advance(1_000);
    await bus.keeper.runOnce();
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
    expect(fixture.broker.acked).toBe(1);
    expect(made.subscription.held).toBe(0);
  });

  test('what another gateway acked is not handed on when its consumer goes away', async () => {
    const made = await holding(['a']);
    await fixture.bus().settle([made.receipt('a')], ACK);
    await made.subscription.close('it went away');
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('a settle whose outcome is not known says so, and may be repeated', async () => {
    const made = await holding(['a']);
    fixture.ledger.fail();
    await expect(made.ack('a')).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
    expect(fixture.broker.acked).toBe(0);
    fixture.ledger.goOn();
    expect(await made.ack('a')).toEqual(['ok']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('a settle waits for a ledger that is away, while new messages go on being delivered', async () => {
    const made = await holding(['a']);
    fixture.ledger.wait();
    const acked = made.ack('a');
    await bus.publish(messages('orders', 'b'), 'messages', fixture.clock.now() + 5_000);
    await made.has(2);
    fixture.ledger.goOn();
    expect(await acked).toEqual(['ok']);
  });

  test('a consumer that goes away while it acks does not undo the ack', async () => {
    const made = await holding(['a', 'b']);
    fixture.ledger.wait();
    const acked = made.ack('a');
    const closed = made.subscription.close('it went away');
    fixture.ledger.goOn();
    expect(await acked).toEqual(['ok']);
    await closed;
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
    expect(fixture.ledger.statesOf('b')).toEqual(['returned']);
  });

  test('what its consumer gave up goes to others as was written, whatever the retry policy is by then', async () => {
    const retries = (maxRetries: number) =>
      bus.channels.open('orders', 'billing', { maxRetries, backoff: { kind: 'fixed', delayMs: 1 } });
    channel = await retries(3);
    const made = await holding(['a']);
    fixture.ledger.wait();
    const closed = made.subscription.close('it went away');
    await settled();
    await retries(0);
    fixture.ledger.goOn();
    await closed;
    expect(fixture.ledger.statesOf('a')).toEqual(['returned']);
    expect(fixture.broker.acked).toBe(0);
    await retries(3);
    const other = new TestConsumer(bus, channel, { name: 'c2' });
    onTestFinished(() => other.subscription.close('end'));
    await other.has(1);
    expect(await other.ack('a')).toEqual(['ok']);
  });

  test('one message that the ledger cannot take keeps no other from leaving its consumer', async () => {
    channel = await bus.channels.open('orders', 'billing', { maxRetries: 0, backoff: { kind: 'fixed', delayMs: 1 } });
    const made = await holding(['big', 'x', 'y']);
    fixture.ledger.refuse((id) => (id === 'big' ? new Error('larger than it takes') : undefined));
    await made.subscription.close('it went away');
    expect([fixture.ledger.statesOf('x'), fixture.ledger.statesOf('y')]).toEqual([['dead'], ['dead']]);
    expect(bus.held).toBe(1);
    expect(fixture.broker.acked).toBe(0);
    fixture.ledger.refuse(() => undefined);
    fixture.clock.advance(MINUTE_MS);
    await bus.keeper.runOnce();
    expect(fixture.ledger.statesOf('big')).toEqual(['dead']);
    expect(fixture.broker.acked).toBe(1);
  });

  test('many receipts of many frames are settled in one call', async () => {
    const ids = Array.from({ length: 2_000 }, (_, i) => `m${i}`);
    const made = await holding(ids, { credit: 2_000, leaseMs: MINUTE_MS });
    const statuses = await made.ack(...ids);
    expect(statuses.every((status) => status === 'ok')).toBe(true);
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
    expect(bus.held).toBe(0);
  });
});
