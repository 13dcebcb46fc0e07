import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { settled, until } from '../fixture/until.js';
import type { Bus } from './bus.js';
import { UNLIMITED } from './limits.js';

let fixture: EmbeddedFixture;
let bus: Bus;

beforeEach(async () => {
  fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  bus = fixture.bus({ limits: { ...UNLIMITED, client: { messages: 2, bytes: 1_000_000 } } });
});

const publish = (topic: string, ...ids: string[]) =>
  bus.publish(messages(topic, ...ids), 'messages', fixture.clock.now() + 5_000);

async function consumerOf(topic: string, client: string): Promise<TestConsumer> {
  const consumer = new TestConsumer(bus, await bus.channels.open(topic, 'billing', undefined), { client });
  onTestFinished(() => consumer.subscription.close('end'));
  return consumer;
}

test('a client that holds its share on one channel gets more on another as soon as it settles', async () => {
  const [orders, letters] = [await consumerOf('orders', 'x'), await consumerOf('letters', 'x')];
  await publish('orders', 'a', 'b');
  await orders.has(2);
  await publish('letters', 'c', 'd');
  await settled();
  expect(letters.ids).toEqual([]);
  await orders.ack('a');
  await letters.has(1);
  await settled();
  expect(letters.ids).toEqual(['c']);
  await orders.ack('b');
  await letters.has(2);
});

test('what a stream held when it closed counts no more', async () => {
  const [orders, letters] = [await consumerOf('orders', 'x'), await consumerOf('letters', 'x')];
  await publish('orders', 'a', 'b');
  await orders.has(2);
  await orders.subscription.close('it went away');
  await publish('letters', 'c', 'd');
  await letters.has(2);
});

test('what was being claimed for a stream when it closed counts no more', async () => {
  const before = await consumerOf('orders', 'y');
  await publish('orders', 'a', 'b');
  await before.has(2);
  await before.subscription.close('it went away');
  await until(() => fixture.broker.requeued === 1, 'returned frame');
  const letters = await consumerOf('letters', 'x');
  fixture.ledger.wait();
  const claiming = await consumerOf('orders', 'x');
  await settled();
  const closed = claiming.subscription.close('it went away, too');
  fixture.ledger.goOn();
  await closed;
  await publish('letters', 'c', 'd');
  await letters.has(2);
});
