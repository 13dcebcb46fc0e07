import { expect, onTestFinished, test, vi } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { PruneWorker } from './prune.js';

test('the prune worker removes what was final before the retention, and keeps dead letters', async () => {
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  const bus = fixture.bus();
  const channel = await bus.channels.open('orders', 'billing', undefined);
  const consumer = new TestConsumer(bus, channel, { leaseMs: 600_000 });
  onTestFinished(() => consumer.subscription.close('end'));
  const worker = new PruneWorker(fixture.engine.schedule, fixture.clock, 60_000);
  await bus.publish(messages('orders', 'early', 'dead', 'late', 'open'), 'messages', fixture.clock.now() + 5_000);
  await consumer.has(4);
  await consumer.ack('early');
  await consumer.settle({ kind: 'reject', reason: '' }, 'dead');
  fixture.clock.advance(60_000);
  await bus.keeper.runOnce();
  await consumer.ack('late');
  await worker.runOnce();
  fixture.clock.advance(1);
  await worker.runOnce();
  const claims = ['early', 'dead', 'late', 'open'].map((id, i) => ({
    channel: channel.id,
    topic: 'orders',
    id,
    nonce: i + 1,
    consumer: '',
    acceptedAt: 0,
    deliveredAt: 0,
  }));
  // Nothing is known any more of the first alone.
  expect(await fixture.ledger.take(claims)).toEqual([1, 0, 0, 2]);
});

test('the prune worker goes on at once while there is more than it removes at a time, and gives way to others', async () => {
  let tookMs = 0;
  let left = 1_020;
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  const { schedule } = fixture.engine;
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  schedule.prune = async (_, limit) => {
    vi.advanceTimersByTime(tookMs);
    const removed = Math.min(left, limit);
    left -= removed;
    return removed;
  };
  const worker = new PruneWorker(schedule, fixture.clock, 60_000);
  expect(await worker.runOnce()).toBe(0);
  tookMs = 300;
  expect(await worker.runOnce()).toBe(300);
  expect(await worker.runOnce()).toBeUndefined();
});
