import { expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { settled } from '../fixture/until.js';
import { ParkedWorker } from './parked.js';

test('the parked worker brings what nobody saw to the channel that is there by now', async () => {
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  const bus = fixture.bus();
  await bus.publish(messages('orders', 'a'), 'messages', fixture.clock.now() + 5_000);
  await bus.publish(messages('nobody', 'b'), 'messages', fixture.clock.now() + 5_000);
  fixture.broker.fault = 'away';
  const consumer = new TestConsumer(bus, await bus.channels.open('orders', 'billing', undefined));
  onTestFinished(() => consumer.subscription.close('end'));
  await settled();
  fixture.broker.fault = undefined;
  const worker = new ParkedWorker(bus.parking);
  await worker.runOnce();
  await consumer.has(1);
  await worker.runOnce();
  expect(await fixture.engine.schedule.parkedTopics(10)).toEqual(['nobody']);
  expect(consumer.ids).toEqual(['a']);
});
