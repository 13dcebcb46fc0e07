import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import type { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { settled } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import type { Bus } from './bus.js';

const LEASE_MS = 1_000;

describe('a consumer whose leases ended, and that says nothing', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let channel: Channel;
  let frozen: TestConsumer;

  beforeEach(async () => {
    ({ fixture, bus, channel } = await oneChannel());
    frozen = consumer('frozen', LEASE_MS);
    await publish('a', 'b', 'c');
    await frozen.has(3);
    fixture.clock.advance(LEASE_MS);
    await bus.keeper.runOnce();
  });

  function consumer(name: string, leaseMs: number): TestConsumer {
    const made = new TestConsumer(bus, channel, { name, leaseMs, credit: 10 });
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  const publish = (...ids: string[]) =>
    bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);

  test('gets nothing while there is another with room, so that it uses up no attempts', async () => {
    const alive = consumer('alive', 60_000);
    await publish('d', 'e', 'f', 'g');
    await alive.has(4);
    await settled();
    expect(frozen.ids).toEqual(['a', 'b', 'c']);
  });

  test('gets one at a time when it is alone', async () => {
    await publish('d', 'e');
    await frozen.has(4);
    await settled();
    expect(frozen.ids).toEqual(['a', 'b', 'c', 'd']);
  });

  test('gets its credit again as soon as it settles something, be it too late', async () => {
    await publish('d', 'e', 'f');
    await frozen.has(4);
    expect(await frozen.ack('a')).toEqual(['stale']);
    await frozen.has(6);
  });

  test('gets its credit again by a call that settles what it holds', async () => {
    await publish('d', 'e', 'f');
    await frozen.has(4);
    expect(await bus.settle([frozen.receipt('d')], { kind: 'ack' })).toEqual(['ok']);
    await frozen.has(6);
  });
});
