import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Bus } from '../bus/bus.js';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { incoming } from '../fixture/incoming.js';
import { allShards } from '../fixture/shards.js';
import { settled } from '../fixture/until.js';
import { silentLogger } from '../ports/logger.js';
import type { Shard } from '../ports/schedule.js';
import { DueWorker } from './due.js';

describe('the due worker', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let worker: DueWorker;
  let shards: { held: Shard[] };

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
    const { engine, clock } = fixture;
    shards = { held: allShards(1) };
    const { releaser } = bus;
    const { schedule } = engine;
    worker = new DueWorker({ schedule, releaser, shards, clock, logger: silentLogger, claimMs: 2_000 });
  });

  const delayed = (count: number, delayMs: number) =>
    bus.publish(
      Array.from({ length: count }, () => incoming({ topic: 'orders', delayMs: BigInt(delayMs) })),
      'messages',
      fixture.clock.now() + 5_000,
    );

  async function consumer(): Promise<TestConsumer> {
    const made = new TestConsumer(bus, await bus.channels.open('orders', 'billing', undefined), { credit: 1_000 });
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  test('publishes what is due, never earlier, and tells when the next is', async () => {
    const made = await consumer();
    await delayed(2, 1_000);
    await delayed(1, 3_000);
    fixture.clock.advance(999);
    expect(await worker.runOnce()).toBe(1);
    await settled();
    expect(made.ids).toEqual([]);
    fixture.clock.advance(1);
    expect(await worker.runOnce()).toBe(2_000);
    await made.has(2);
    fixture.clock.advance(2_000);
    expect(await worker.runOnce()).toBeUndefined();
    await made.has(3);
  });

  test('goes on at once while there is more than it takes at a time', async () => {
    const made = await consumer();
    await delayed(700, 1_000);
    fixture.clock.advance(1_000);
    let runs = 0;
    while ((await worker.runOnce()) === 0) runs++;
    expect(runs).toBeGreaterThan(0);
    await made.has(700);
  });

  test('does nothing under a fence that a newer one has passed', async () => {
    const made = await consumer();
    await delayed(1, 1_000);
    fixture.clock.advance(1_000);
    await fixture.engine.schedule.claim(0, 1, 1_000, allShards(9));
    shards.held = allShards(8);
    await worker.runOnce();
    await settled();
    expect(made.ids).toEqual([]);
    shards.held = allShards(9);
    await worker.runOnce();
    await made.has(1);
  });

  test('leaves the shards of others alone, and does not ask faster because something is due in them', async () => {
    const made = await consumer();
    await delayed(20, 1_000);
    fixture.clock.advance(1_000);
    const all = allShards(1);
    shards.held = all.slice(0, 32);
    await worker.runOnce();
    await settled();
    const { length } = made.ids;
    expect(length).toBeLessThan(20);
    expect(await worker.runOnce()).toBeUndefined();
    shards.held = all.slice(32);
    await worker.runOnce();
    await made.has(20);
    expect(length).toBeGreaterThan(0);
  });

  test('claims for so long that what a gateway had claimed when it was killed goes on after it', async () => {
    const made = await consumer();
    await delayed(1, 1_000);
    fixture.clock.advance(1_000);
    const killed = fixture.engine.schedule;
    await killed.claim(fixture.clock.now(), 10, 2_000, allShards(1));
    shards.held = allShards(2);
    fixture.clock.advance(1_999);
    await worker.runOnce();
    await settled();
    expect(made.ids).toEqual([]);
    fixture.clock.advance(1);
    await worker.runOnce();
    await made.has(1);
  });

  test('does nothing while the broker is away', async () => {
    await delayed(1, 1_000);
    fixture.clock.advance(1_000);
    fixture.broker.fault = 'away';
    expect(await worker.runOnce()).toBeUndefined();
    fixture.broker.fault = undefined;
    expect(await fixture.engine.schedule.claim(fixture.clock.now(), 10, 1_000, allShards(1))).toHaveLength(1);
  });

  test('what is due does not wait for parked messages to be brought to their channel', async () => {
    const parked = Array.from({ length: 200 }, () => incoming({ topic: 'orders', key: 'parked' }));
    await bus.publish(parked, 'messages', fixture.clock.now() + 5_000);
    let goOn = () => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    fixture.broker.intercept = async (frame, _to, real) => {
      if (frame.messages.some(({ key }) => key === 'parked')) await slow;
      return real();
    };
    onTestFinished(() => goOn());
    const made = await consumer();
    await bus.publish(
      [incoming({ topic: 'orders', id: 'due', delayMs: 1_000n })],
      'messages',
      fixture.clock.now() + 5_000,
    );
    fixture.clock.advance(1_000);
    const run = worker.runOnce();
    await settled(200);
    expect(made.ids).toEqual(['due']);
    goOn();
    await run;
  });
});
