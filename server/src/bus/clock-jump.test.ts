import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import { EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { settled } from '../fixture/until.js';
import type { Bus } from './bus.js';

const HOUR_MS = 60 * MINUTE_MS;
const LEASE_MS = 1_000;

describe('when the wall clock is set', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let consumer: TestConsumer;

  beforeEach(async () => {
    fixture = await EmbeddedFixture.create();
    onTestFinished(() => fixture.remove());
    bus = fixture.bus();
    const channel = await bus.channels.open('orders', 'billing', undefined);
    consumer = new TestConsumer(bus, channel, { leaseMs: LEASE_MS });
    onTestFinished(() => consumer.subscription.close('end'));
    await bus.publish(messages('orders', 'a'), 'messages', fixture.clock.now() + 5_000);
    await consumer.has(1);
  });

  test.each([
    ['forth', HOUR_MS],
    ['back', -HOUR_MS],
  ])('%s by an hour, a lease lasts as long as it does', async (_, ms) => {
    fixture.clock.jump(ms);
    fixture.clock.advance(LEASE_MS - 1);
    await bus.keeper.runOnce();
    expect(consumer.subscription.held).toBe(1);
    fixture.clock.advance(1);
    expect(await consumer.ack('a')).toEqual(['stale']);
    await bus.keeper.runOnce();
    expect(consumer.subscription.held).toBe(0);
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now() + 10_000);
  });

  test('an extended lease lasts as long as was asked for', async () => {
    await consumer.settle({ kind: 'extend', leaseMs: 5_000 }, 'a');
    fixture.clock.jump(HOUR_MS);
    fixture.clock.advance(4_999);
    expect(await consumer.ack('a')).toEqual(['ok']);
  });

  test('forth, a publish under way has as much time as before', async () => {
    let goOn = () => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    fixture.broker.intercept = async (_frame, _to, real) => {
      await slow;
      return real();
    };
    const publishing = bus.publish(messages('orders', 'b'), 'messages', fixture.clock.now() + 5_000);
    fixture.clock.jump(HOUR_MS);
    await settled(100);
    goOn();
    expect(await publishing).toMatchObject([{ id: 'b', outcome: 'accepted' }]);
  });

  test('a message that moves to the ledger is leased for what is left', async () => {
    await consumer.settle({ kind: 'extend', leaseMs: 30 * MINUTE_MS }, 'a');
    fixture.clock.jump(-HOUR_MS);
    fixture.clock.advance(10 * MINUTE_MS + 1);
    await bus.keeper.runOnce();
    const [delivery] = consumer.deliveries;
    expect(delivery?.frame).toBeUndefined();
    expect(delivery?.deadline).toBe(fixture.clock.now() + 20 * MINUTE_MS - 1);
  });
});
