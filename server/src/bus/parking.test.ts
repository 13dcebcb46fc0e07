import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { settled } from '../fixture/until.js';
import type { Bus } from './bus.js';

describe('parking', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
  });

  const publish = (topic: string, ...ids: string[]) =>
    bus.publish(messages(topic, ...ids), 'messages', fixture.clock.now() + 60_000);

  async function consumer(topic: string, name = 'billing'): Promise<TestConsumer> {
    const made = new TestConsumer(bus, await bus.channels.open(topic, name, undefined), { credit: 1_000 });
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  test('gives the first channel of a topic what waited for it, as a first attempt', async () => {
    await publish('orders', 'a', 'b');
    const made = await consumer('orders');
    await made.has(2);
    expect(made.deliveries.map(({ message, attempt }) => [message.id, attempt])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(await made.ack('a', 'b')).toEqual(['ok', 'ok']);
    expect(await fixture.engine.schedule.parkedTopics(10)).toEqual([]);
  });

  test('gives a pattern every topic that it matches, and no other', async () => {
    await publish('orders.created', 'a');
    await publish('orders.paid', 'b');
    await publish('invoices', 'c');
    const made = await consumer('orders.*');
    await made.has(2);
    await settled();
    expect([...made.ids].sort()).toEqual(['a', 'b']);
    expect(await fixture.engine.schedule.parkedTopics(10)).toEqual(['invoices']);
  });

  test('gives a second channel nothing of it', async () => {
    await publish('orders', 'a');
    const first = await consumer('orders', 'first');
    await first.has(1);
    const second = await consumer('orders', 'second');
    await settled();
    expect(second.ids).toEqual([]);
  });

  test('brings many in their order', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
    await publish('orders', ...ids);
    await bus.channels.open('orders', 'billing', undefined);
    const sent: string[] = [];
    for (let i = 0; i < 500 && sent.length < ids.length; i++) {
      await settled(5);
      sent.length = 0;
      sent.push(...fixture.broker.frames.filter(({ verify }) => verify).flatMap((f) => f.messages.map(({ id }) => id)));
    }
    expect(sent).toEqual(ids);
  });

  test('finds a message that was parked in the moment in which its first channel was made', async () => {
    let declare: Promise<TestConsumer> | undefined;
    fixture.broker.intercept = async (_frame, _to, real) => {
      const routing = await real();
      // The broker said that nobody wants it; now somebody does, before it stands in the schedule.
      declare ??= consumer('orders');
      return routing;
    };
    const [result] = await publish('orders', 'a');
    expect(result?.outcome).toBe('parked');
    const made = await declare;
    await made?.has(1);
  });

  test('leaves to the worker what nobody saw, and the worker brings it', async () => {
    await publish('orders', 'a');
    fixture.broker.fault = 'away';
    const made = await consumer('orders');
    await settled();
    expect(made.ids).toEqual([]);
    fixture.broker.fault = undefined;
    await bus.parking.runOnce();
    await made.has(1);
  });

  test('keeps what could not be published', async () => {
    await publish('orders', 'a');
    fixture.broker.intercept = async () => {
      throw new Error('odd');
    };
    const made = await consumer('orders');
    await settled();
    expect(made.ids).toEqual([]);
    fixture.broker.intercept = (_frame, _to, real) => real();
    fixture.clock.advance(10_001);
    await bus.parking.runOnce();
    await made.has(1);
    await settled();
    expect(made.ids).toEqual(['a']);
  });
});
