import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import type { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import type { Bus } from './bus.js';

let fixture: EmbeddedFixture;
let bus: Bus;
let channel: Channel;

beforeEach(async () => {
  ({ fixture, bus, channel } = await oneChannel());
});

/** As another gateway does it. */
async function pauseElsewhere(): Promise<void> {
  await fixture.engine.operator.pause(channel.id, true);
  await bus.channels.refresh(true);
}

async function deleteElsewhere(): Promise<void> {
  await fixture.engine.operator.remove(channel.id);
  await bus.channels.refresh(true);
}

test('a paused channel that another gateway deleted, and that is consumed here, is made again and not paused', async () => {
  await pauseElsewhere();
  const consumer = new TestConsumer(bus, channel);
  onTestFinished(() => consumer.subscription.close('end'));
  await deleteElsewhere();
  await until(() => bus.channels.known(channel.id) !== undefined, 'channel');
  expect(bus.channels.isPaused(channel)).toBe(false);
  await bus.publish(messages('orders', 'a'), 'messages', fixture.clock.now() + 5_000);
  await consumer.has(1);
  expect(await consumer.ack('a')).toEqual(['ok']);
});

test('whoever listens hears that a deleted channel is paused no more, before it is gone', async () => {
  const heard: string[] = [];
  bus.channels.onPaused(({ name, paused = false }) => heard.push(`${name} ${paused ? 'paused' : 'resumed'}`));
  bus.channels.onGone(({ name }) => heard.push(`${name} gone`));
  await pauseElsewhere();
  await deleteElsewhere();
  expect(heard).toEqual(['billing paused', 'billing resumed', 'billing gone']);
});
