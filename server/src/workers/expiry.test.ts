import { expect, onTestFinished, test } from 'vitest';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { allShards } from '../fixture/shards.js';
import { ExpiryWorker } from './expiry.js';

async function pulled(count: number, maxRetries: number) {
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  const bus = fixture.bus();
  const ids = Array.from({ length: count }, (_, i) => `m${i}`);
  const channel = await bus.channels.open('orders', 'billing', {
    maxRetries,
    backoff: { kind: 'fixed', delayMs: 700 },
  });
  for (let i = 0; i < count; i += 1_000) {
    await bus.publish(messages('orders', ...ids.slice(i, i + 1_000)), 'messages', fixture.clock.now() + 5_000);
  }
  const receipts: string[] = [];
  while (receipts.length < count) {
    const signal = new AbortController().signal;
    const until = fixture.clock.now() + 1_000;
    const batch = await bus.pull(channel, { consumer: 'c', leaseMs: 1_000, max: 1_000, until, signal });
    receipts.push(...batch.map(({ receipt }) => receipt));
  }
  const worker = new ExpiryWorker(fixture.engine.schedule, bus.settler, { held: allShards(1) }, fixture.clock);
  return { fixture, bus, receipts, worker };
}

test('the expiry worker ends leases, and none before its time', async () => {
  const { fixture, bus, receipts, worker } = await pulled(2, 1);
  fixture.clock.advance(999);
  expect(await worker.runOnce()).toBeUndefined();
  expect(fixture.ledger.statesOf('m0')).toEqual(['leased']);
  await bus.settle([receipts[1] ?? ''], { kind: 'extend', leaseMs: 5_000 });
  fixture.clock.advance(1);
  await worker.runOnce();
  expect(fixture.ledger.statesOf('m0')).toEqual(['leased', 'retry']);
  expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now() + 700);
  expect(await bus.settle(receipts, { kind: 'ack' })).toEqual(['stale', 'ok']);
});

test('the expiry worker makes dead what has no retries left', async () => {
  const { fixture, worker } = await pulled(1, 0);
  fixture.clock.advance(1_000);
  await worker.runOnce();
  expect(fixture.ledger.written.at(-1)).toMatchObject({ state: 'dead', reason: 'lease expired' });
});

test('the expiry worker goes on at once while there is more than it takes at a time', async () => {
  const { fixture, worker } = await pulled(600, 1);
  fixture.clock.advance(1_000);
  expect(await worker.runOnce()).toBe(0);
  expect(await worker.runOnce()).toBeUndefined();
  expect(fixture.ledger.written.filter(({ state }) => state === 'retry')).toHaveLength(600);
});
