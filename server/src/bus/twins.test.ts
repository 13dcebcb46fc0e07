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

  test('a copy of what is being settled waits for that, and then goes', async () => {
    const channel = await open();
    const consumer = new TestConsumer(bus, channel);
    onTestFinished(() => consumer.subscription.close('end'));
    await publish('orders', 'a');
    await consumer.has(1);
    fixture.ledger.wait();
    const acking = consumer.ack('a');
    const [frame] = fixture.broker.frames;
    if (frame !== undefined) await fixture.broker.publish({ ...frame, verify: true }, { channel });
    await settled();
    fixture.ledger.goOn();
    expect(await acking).toEqual(['ok']);
    await until(() => fixture.broker.unsettled === 0, 'settled copy');
    expect(fixture.ledger.statesOf('a')).toEqual(['acked']);
    expect(consumer.deliveries).toHaveLength(1);
  });

  describe('twice, before anybody had it', () => {
    /** As when a gateway died between the broker's confirm and its answer, and the publisher sent it again. */
    const publishTwice = async (channel: Channel, id: string) => {
      await publish('orders', id);
      const frame = fixture.broker.frames.at(-1);
      if (frame === undefined) throw new Error('nothing was published');
      await fixture.broker.publish({ ...frame, verify: true }, { channel });
      await fixture.broker.publish({ ...frame, verify: true }, { channel });
    };

    test('is handed out once, as its first attempt', async () => {
      const channel = await open();
      await publishTwice(channel, 'a');
      fixture.clock.advance(2_000);
      const consumer = new TestConsumer(bus, channel);
      onTestFinished(() => consumer.subscription.close('end'));
      await consumer.has(1);
      await settled();
      expect(consumer.deliveries.map(({ message, attempt }) => [message.id, attempt])).toEqual([['a', 1]]);
      expect(await consumer.ack('a')).toEqual(['ok']);
      await until(() => fixture.broker.unsettled === 0, 'settled copies');
      expect(consumer.deliveries).toHaveLength(1);
    });

    test('does not come after its ack, when its plain copy came while the marked one was asked about', async () => {
      const channel = await open();
      const consumer = new TestConsumer(bus, channel);
      onTestFinished(() => consumer.subscription.close('end'));
      const gone = await bus.channels.open('elsewhere', 'nobody', undefined);
      await bus.publish(messages('elsewhere', 'a'), 'messages', fixture.clock.now() + 5_000);
      const frame = fixture.broker.frames.at(-1);
      if (frame === undefined || gone === undefined) throw new Error('nothing was published');
      const copy = { ...frame, topic: 'orders', messages: frame.messages.map((one) => ({ ...one, topic: 'orders' })) };
      fixture.ledger.wait();
      await fixture.broker.publish({ ...copy, verify: true }, { channel });
      await settled();
      await fixture.broker.publish({ ...copy, verify: false }, { channel });
      await settled();
      fixture.ledger.goOn();
      await consumer.has(1);
      expect(await consumer.ack('a')).toEqual(['ok']);
      await until(() => fixture.broker.unsettled === 0, 'settled copies');
      await settled();
      expect(consumer.deliveries).toHaveLength(1);
    });

    test('is handed out to one of several consumers', async () => {
      const channel = await open();
      const consumers = [1, 2, 3].map(() => new TestConsumer(bus, channel));
      onTestFinished(() => Promise.all(consumers.map(({ subscription }) => subscription.close('end'))).then(() => {}));
      fixture.ledger.wait();
      await publishTwice(channel, 'a');
      await settled();
      fixture.ledger.goOn();
      await until(() => consumers.some(({ deliveries }) => deliveries.length > 0), 'delivery');
      await settled();
      expect(consumers.flatMap(({ deliveries }) => deliveries)).toHaveLength(1);
    });

    test('uses up no attempt while pulls take others', async () => {
      const channel = await open();
      const pull = (max: number) => {
        const { signal } = new AbortController();
        const until = fixture.clock.now() + 1_000;
        return bus.pull(channel, { consumer: 'c1', leaseMs: 60_000, max, until, signal });
      };
      await publishTwice(channel, 'a');
      const seen: [string, number][] = [];
      for (let round = 0; round < 10; round++) {
        await publish('orders', `fresh${round}`);
        for (const { delivery } of await pull(10)) seen.push([delivery.message.id, delivery.attempt]);
      }
      expect(seen.filter(([id]) => id === 'a')).toEqual([['a', 1]]);
      expect(seen).toHaveLength(11);
      expect(fixture.ledger.statesOf('a')).not.toContain('dead');
    });
  });

  test('a pull is answered with what the ledger was asked about and what it was not, together', async () => {
    const channel = await open();
    await publish('orders', 'a');
    const [frame] = fixture.broker.frames;
    if (frame !== undefined) await fixture.broker.publish({ ...frame, verify: true }, { channel });
    await publish('orders', 'b');
    const { signal } = new AbortController();
    const until = fixture.clock.now() + 1_000;
    const pulled = await bus.pull(channel, { consumer: 'c1', leaseMs: 60_000, max: 10, until, signal });
    expect(pulled.map(({ delivery }) => delivery.message.id)).toEqual(['a', 'b']);
  });
});
