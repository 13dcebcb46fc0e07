import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer, type TestConsumerOptions } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { Words } from '../fixture/rebalance.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';

describe('giving way to a hungry gateway', () => {
  let fixture: EmbeddedFixture;
  let slow: Bus;
  let fast: Bus;
  let channel: Channel;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    const words = new Words();
    [slow, fast] = [fixture.bus({}, words.join()), fixture.bus({}, words.join())];
    onTestFinished(async () => {
      await Promise.all([slow.rebalancer?.stop(), fast.rebalancer?.stop()]);
      await fixture.remove();
    });
    await Promise.all([slow.rebalancer?.start(), fast.rebalancer?.start()]);
    channel = await slow.channels.open('orders', 'billing', undefined);
  });

  const named = (count: number, prefix = 'm') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  /** One frame. */
  const publish = (...ids: string[]) =>
    slow.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);

  function consumer(bus: Bus, options: TestConsumerOptions): TestConsumer {
    const made = new TestConsumer(bus, channel, options);
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  /** A consumer that has one message of each of these frames' first, and a gateway that holds the rest. */
  async function holding(...frames: string[][]): Promise<TestConsumer> {
    const made = consumer(slow, { credit: 1, name: 'slow' });
    await settled();
    for (const ids of frames) await publish(...ids);
    await until(() => fixture.broker.unsettled === frames.length, 'buffered frames');
    await made.has(1);
    return made;
  }

  async function hungry(): Promise<TestConsumer> {
    const made = consumer(fast, { credit: 100, name: 'fast' });
    await settled();
    fixture.clock.advance(100);
    fast.rebalancer?.runOnce();
    return made;
  }

  test('frames go back whole, and the rest of one that is partly out in small frames; nothing is lost or doubled', async () => {
    const holder = await holding(named(3, 'a'), named(3, 'b'));
    const eater = await hungry();
    await eater.has(5);
    expect(fixture.broker.requeued).toBe(1);
    expect(fixture.broker.frames.slice(2).map((frame) => [frame.verify, frame.messages.map(({ id }) => id)])).toEqual([
      [true, ['a1', 'a2']],
    ]);
    expect(await eater.ack(...eater.ids)).toEqual(Array(5).fill('ok'));
    expect(await holder.ack('a0')).toEqual(['ok']);
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
    await settled();
    expect([...holder.ids, ...eater.ids].sort()).toEqual([...named(3, 'a'), ...named(3, 'b')]);
  });

  test('the rest of a large frame is published in frames of 4, for several gateways to share', async () => {
    await holding(named(32));
    const eater = await hungry();
    await eater.has(31);
    const parts = fixture.broker.frames.slice(1).map((frame) => frame.messages.length);
    expect(parts).toEqual([4, 4, 4, 4, 4, 4, 4, 3]);
    expect(eater.ids.sort()).toEqual(named(32).slice(1).sort());
  });

  test('a gateway that gave way asks for no more than its credit takes, until 5 s later', async () => {
    const holder = await holding(named(4, 'a'), named(4, 'b'));
    await hungry();
    await settled();
    expect(fixture.broker.prefetches[0]).toBe(1);
    fixture.clock.advance(5_000);
    await holder.ack('a0');
    await settled();
    expect(fixture.broker.prefetches[0]).toBeGreaterThan(1);
  });

  test('a gateway whose consumers take messages all the time keeps what came a moment ago', async () => {
    const holder = await holding(named(10));
    consumer(fast, { credit: 100, name: 'fast' });
    for (let i = 0; i < 9; i++) {
      fixture.clock.advance(99);
      await holder.ack(`m${i}`);
      await holder.has(i + 2);
      fast.rebalancer?.runOnce();
      slow.rebalancer?.runOnce();
    }
    await settled();
    expect(fixture.broker.frames).toHaveLength(1);
  });

  test('and gives back what has waited for a second', async () => {
    const holder = await holding(named(32));
    const eater = consumer(fast, { credit: 100, name: 'fast' });
    for (let i = 0; i < 12; i++) {
      fixture.clock.advance(99);
      const { ids } = holder;
      await holder.ack(ids.at(-1) ?? '');
      await settled();
      fast.rebalancer?.runOnce();
      slow.rebalancer?.runOnce();
    }
    await until(() => holder.ids.length + eater.ids.length >= 32, 'deliveries of all');
    expect(eater.ids.length).toBeGreaterThan(15);
    expect([...holder.ids, ...eater.ids].sort()).toEqual(named(32).sort());
  });

  test('a gateway whose own consumers have room keeps its messages', async () => {
    const full = await holding(named(4));
    full.subscription.setCredit(10);
    await full.has(4);
    await hungry();
    await settled();
    expect(fixture.broker.frames).toHaveLength(1);
    expect(fixture.broker.requeued).toBe(0);
  });

  test('what could not be published stays, goes through the ledger, and goes on when there is room', async () => {
    const holder = await holding(named(6));
    fixture.broker.intercept = async () => {
      throw new BusError('BROKER_UNAVAILABLE', 'away');
    };
    const eater = await hungry();
    await until(() => fixture.broker.frames.length === 3, 'attempts');
    await settled();
    expect(eater.ids).toEqual([]);
    for (let i = 0; i < 6; i++) await holder.has(i + 1).then(() => holder.ack(holder.ids.at(-1) ?? ''));
    expect(holder.ids.sort()).toEqual(named(6));
    expect(fixture.ledger.taken.sort()).toEqual(named(6).slice(1));
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
  });

  test('what the broker does not take is tried again after a second, not at each word of hunger', async () => {
    await holding(named(4));
    fixture.broker.fault = 'it takes no messages now';
    const eater = await hungry();
    for (let i = 0; i < 8; i++) {
      fixture.clock.advance(100);
      slow.rebalancer?.runOnce();
      await settled(2);
    }
    expect(slow.tally.gaveWay).toBe(1);
    fixture.broker.fault = undefined;
    fixture.clock.advance(200);
    slow.rebalancer?.runOnce();
    await eater.has(3);
    expect(slow.tally.gaveWay).toBe(2);
  });

  test('what was published without anybody knowing is not handed out after its ack', async () => {
    const holder = await holding(named(4));
    fixture.broker.intercept = async (_frame, _to, real) => {
      await real();
      throw new BusError('BROKER_UNAVAILABLE', 'the connection broke');
    };
    const eater = await hungry();
    await eater.has(3);
    expect(await eater.ack(...eater.ids)).toEqual(['ok', 'ok', 'ok']);
    expect(await holder.ack('m0')).toEqual(['ok']);
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
    expect(holder.ids).toEqual(['m0']);
    expect(eater.ids.sort()).toEqual(['m1', 'm2', 'm3']);
  });

  test('of what the broker took back meanwhile every message is acked once', async () => {
    const holder = await holding(named(6));
    fixture.broker.intercept = async (_frame, _to, real) => {
      fixture.broker.loseConsumer(0);
      return real();
    };
    const eater = await hungry();
    await eater.has(6);
    const acked: string[] = [];
    const answered = new Map([holder, eater].map((made) => [made, 0]));
    while (fixture.broker.unsettled > 0) {
      for (const [made, before] of answered) {
        const fresh = made.deliveries.slice(before);
        answered.set(made, before + fresh.length);
        const statuses = await made.subscription.settle(
          fresh.map(({ receipt }) => receipt),
          { kind: 'ack' },
        );
        fresh.forEach(({ message }, i) => {
          if (statuses[i] === 'ok') acked.push(message.id);
        });
      }
      await settled(1);
    }
    expect(acked.sort()).toEqual(named(6));
  });
});
