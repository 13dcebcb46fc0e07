import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../fixture/consumer.js';
import type { EmbeddedFixture } from '../fixture/embedded.js';
import { messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import type { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';

describe('pulling', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let channel: Channel;
  let caller: AbortController;

  beforeEach(async () => {
    ({ fixture, bus, channel } = await oneChannel());
    caller = new AbortController();
  });

  const publish = (...ids: string[]) =>
    bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);
  const pull = (max = 10, waitMs = 5_000) =>
    bus.pull(channel, {
      consumer: 'c1',
      leaseMs: 1_000,
      max,
      until: fixture.clock.now() + waitMs,
      signal: caller.signal,
    });
  const idsOf = (pulled: Awaited<ReturnType<typeof pull>>) => pulled.map(({ delivery }) => delivery.message.id);

  test('takes what is there, up to what is asked for', async () => {
    await publish('a', 'b', 'c');
    expect(idsOf(await pull(2))).toEqual(['a', 'b']);
    expect(idsOf(await pull(2))).toEqual(['c']);
  });

  test('moves what it took to the ledger, so that any gateway may settle it', async () => {
    await publish('a', 'b');
    const pulled = await pull();
    expect(fixture.ledger.statesOf('a')).toEqual(['leased']);
    expect(fixture.broker.acked).toBe(1);
    expect(bus.held).toBe(0);
    const [first, second] = pulled.map(({ receipt }) => receipt);
    const other = fixture.bus();
    expect(await other.settle([first ?? ''], { kind: 'ack' })).toEqual(['ok']);
    expect(await other.settle([second ?? ''], { kind: 'nack', delayMs: 7, reason: 'busy' })).toEqual(['ok']);
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now() + 7);
    expect(await bus.settle([first ?? ''], { kind: 'ack' })).toEqual(['ok']);
    expect(await bus.settle([first ?? ''], { kind: 'reject', reason: '' })).toEqual(['stale']);
  });

  test('answers with what the ledger took when there is a message that it cannot take', async () => {
    await publish('big', 'b', 'c');
    fixture.ledger.refuse((id) => (id === 'big' ? new Error('larger than it takes') : undefined));
    expect(idsOf(await pull())).toEqual(['b', 'c']);
    fixture.ledger.refuse(() => undefined);
    fixture.clock.advance(30_000);
    await bus.keeper.runOnce();
    expect(fixture.ledger.statesOf('big')).toEqual(['retry']);
  });

  test('leaves what was asked of the broker as it is for the next poll, once the ledger has what it took', async () => {
    await publish('a', 'b');
    await pull(1);
    expect(fixture.broker.prefetches).toEqual([expect.any(Number)]);
    expect(fixture.broker.prefetches).not.toContain(0);
    await until(() => fixture.broker.prefetches.every((frames) => frames === 0), 'stopped consumer');
  });

  test('waits for a first message', async () => {
    const pulled = pull();
    await settled();
    await publish('a');
    expect(idsOf(await pulled)).toEqual(['a']);
  });

  test('answers with none when its time is up', async () => {
    expect(await pull(10, 50)).toEqual([]);
    expect(await pull(10, 0)).toEqual([]);
    expect(await pull(10, -1_000)).toEqual([]);
  });

  test('takes nothing for a caller that went away', async () => {
    const pulled = pull();
    await settled();
    caller.abort();
    expect(await pulled).toEqual([]);
    expect(await pull()).toEqual([]);
    await publish('a');
    const consumer = new TestConsumer(bus, channel);
    onTestFinished(() => consumer.subscription.close('end'));
    await consumer.has(1);
    expect(consumer.deliveries[0]?.attempt).toBe(1);
  });

  test('gives back what it took for a caller that went away meanwhile', async () => {
    await publish('a');
    fixture.ledger.wait();
    const pulled = pull();
    await until(() => bus.held === 1, 'delivery');
    caller.abort();
    fixture.ledger.goOn();
    expect(await pulled).toEqual([]);
    expect(await fixture.engine.schedule.nextDue()).toBe(fixture.clock.now());
  });

  test('leaves no consumer behind', async () => {
    await publish('a');
    await pull();
    await pull(1, 20);
    await until(() => fixture.broker.prefetches.every((frames) => frames === 0), 'stopped consumer');
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('finds what another pull left in the buffer', async () => {
    await publish('a', 'b', 'c');
    expect(idsOf(await pull(1))).toEqual(['a']);
    expect(idsOf(await pull(1))).toEqual(['b']);
    await delay(400);
    expect(idsOf(await pull(1))).toEqual(['c']);
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('shares with streams and other pulls, and loses nothing', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => `m${i}`);
    await publish(...ids);
    const seen = new Set<string>();
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (;;) {
          const pulled = await pull(7, 400);
          if (pulled.length === 0) return;
          for (const id of idsOf(pulled)) {
            expect(seen.has(id), id).toBe(false);
            seen.add(id);
          }
          const statuses = await bus.settle(
            pulled.map(({ receipt }) => receipt),
            { kind: 'ack' },
          );
          expect(new Set(statuses)).toEqual(new Set(['ok']));
        }
      }),
    );
    expect(seen.size).toBe(200);
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('is refused while the gateway drains', () => {
    bus.drain();
    expect(() => pull()).toThrow(expect.objectContaining({ reason: 'DRAINING' }) as BusError);
  });
});
