import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import type { Bus } from './bus.js';

/** One message that reaches a gateway more than once. */
describe('a message that comes again', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
  });

  const publish = (topic: string, ...ids: string[]) =>
    bus.publish(messages(topic, ...ids), 'messages', fixture.clock.now() + 5_000);
  const open = (topic = 'orders', name = 'billing'): Promise<Channel> => bus.channels.open(topic, name, undefined);

  test('a consumer gets the messages of a topic in their order, and none that is new is asked about', async () => {
    const consumer = new TestConsumer(bus, await open());
    onTestFinished(() => consumer.subscription.close('end'));
    const ids = Array.from({ length: 500 }, (_, i) => `m${i}`);
    await publish('orders', ...ids);
    for (let seen = 0; seen < ids.length; ) {
      await consumer.has(seen + 1);
      const fresh = consumer.ids.slice(seen);
      seen += fresh.length;
      await consumer.ack(...fresh);
    }
    expect(fixture.ledger.taken).toEqual([]);
    expect(consumer.ids).toEqual(ids);
  });

  test('a delivery that the broker took back, and another gateway had since, is not lost by a late ack', async () => {
    const channel = await open();
    const first = new TestConsumer(bus, channel);
    await publish('orders', 'a');
    await first.has(1);
    first.subscription.setCredit(0);
    const second = new TestConsumer(fixture.bus(), channel);
    await settled();
    fixture.broker.loseConsumer(0);
    await second.has(1);
    await second.subscription.close('it went away');
    await until(() => fixture.broker.requeued === 1, 'returned frame');
    first.subscription.setCredit(10);
    await until(() => fixture.broker.unsettled === 1, 'frame');
    const [status] = await first.ack('a');
    await settled();
    const final = fixture.ledger.statesOf('a').includes('acked');
    // Told that it came too late, the consumer expects that the message goes on.
    expect(status === 'ok' ? final : first.deliveries.length === 2 || fixture.broker.unsettled > 0).toBe(true);
    await first.subscription.close('end');
  });

  test('a copy is not dropped for a delivery that no longer counts', async () => {
    const channel = await open();
    const first = new TestConsumer(bus, channel);
    await publish('orders', 'a');
    await first.has(1);
    first.subscription.setCredit(0);
    const second = new TestConsumer(fixture.bus(), channel);
    await settled();
    // The publisher did not see the confirm, and sent it again.
    const [frame] = fixture.broker.frames;
    if (frame !== undefined) await fixture.broker.publish({ ...frame, verify: true }, { channel });
    await second.has(1);
    await second.subscription.close('it went away');
    await until(() => fixture.broker.requeued === 1, 'returned copy');
    first.subscription.setCredit(10);
    await settled();
    const [status] = await first.ack('a');
    await settled();
    const final = fixture.ledger.statesOf('a').includes('acked');
    expect(status === 'ok' ? final : first.deliveries.length === 2 || fixture.broker.unsettled > 0).toBe(true);
    await first.subscription.close('end');
  });
});
