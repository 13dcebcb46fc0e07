import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer, type TestConsumerOptions } from '../fixture/consumer.js';
import { type EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { incoming, messages } from '../fixture/incoming.js';
import { oneChannel } from '../fixture/one-channel.js';
import { settled, until } from '../fixture/until.js';
import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Bus } from './bus.js';

/** A publish to a broker that says nothing. */
function unanswered(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new BusError('BROKER_UNAVAILABLE', 'not confirmed')));
  });
}

describe('delivering', () => {
  let fixture: EmbeddedFixture;
  let bus: Bus;
  let channel: Channel;

  beforeEach(async () => {
    ({ fixture, bus, channel } = await oneChannel());
  });

  const publish = (...ids: string[]) =>
    bus.publish(messages('orders', ...ids), 'messages', fixture.clock.now() + 5_000);
  const named = (count: number, prefix = 'm') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  function consumer(options: TestConsumerOptions = {}): TestConsumer {
    const made = new TestConsumer(bus, channel, options);
    onTestFinished(() => made.subscription.close('end'));
    return made;
  }

  test('fills the credit of a consumer that settles nothing, whatever the sizes of the frames', async () => {
    const made = consumer({ credit: 1_000 });
    for (const id of named(200, 'small')) await publish(id);
    await publish(...named(800, 'large'));
    await made.has(1_000);
  });

  test('hands out each message once, in order, with attempt 1 and the lease of its consumer', async () => {
    const made = consumer({ leaseMs: 7_000 });
    await publish(...named(100));
    const deliveries = await made.has(100);
    await settled();
    expect(made.ids).toEqual(named(100));
    const lease = { attempt: 1, deadline: fixture.clock.now() + 7_000 };
    expect(deliveries.every(({ attempt, deadline }) => attempt === lease.attempt && deadline === lease.deadline)).toBe(
      true,
    );
    expect(new Set(deliveries.map(({ receipt }) => receipt)).size).toBe(100);
  });

  test('gives every channel its own copy', async () => {
    const audit = new TestConsumer(bus, await bus.channels.open('#', 'audit', undefined));
    onTestFinished(() => audit.subscription.close('end'));
    const billing = consumer();
    await publish('a', 'b');
    await Promise.all([audit.has(2), billing.has(2)]);
    expect([audit.ids, billing.ids]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('shares fairly among its consumers', async () => {
    const consumers = named(4, 'c').map((name) => consumer({ credit: 50, name }));
    await settled();
    await publish(...named(100));
    await until(() => consumers.reduce((sum, { ids }) => sum + ids.length, 0) === 100, '100 deliveries');
    for (const { ids } of consumers) {
      expect(ids.length).toBeGreaterThanOrEqual(15);
      expect(ids.length).toBeLessThanOrEqual(40);
    }
  });

  test('never gives a consumer more than its credit', async () => {
    const made = consumer({ credit: 3 });
    await publish(...named(20));
    let acked = 0;
    while (acked < 20) {
      await made.has(acked + 1);
      await settled();
      expect(made.deliveries.length - acked).toBeLessThanOrEqual(3);
      expect(made.subscription.held).toBe(made.deliveries.length - acked);
      await made.ack(...made.ids.slice(acked, acked + 1));
      acked++;
    }
    expect(made.ids).toEqual(named(20));
  });

  test('never gives more than its credit when the ledger must be asked first', async () => {
    const first = consumer({ credit: 100 });
    await publish(...named(20));
    await first.has(20);
    fixture.broker.loseConnection();
    const made = consumer({ credit: 2, name: 'c2' });
    await first.subscription.close('it went away');
    for (let acked = 0; acked < 20; acked++) {
      await made.has(acked + 1);
      expect(made.deliveries.length - acked).toBeLessThanOrEqual(2);
      await made.ack(...made.ids.slice(acked, acked + 1));
    }
    expect([...made.ids].sort()).toEqual(named(20).sort());
    expect(made.deliveries.every(({ attempt }) => attempt === 2)).toBe(true);
  });

  test('gives nothing for a credit of 0, and goes on when there is more', async () => {
    const made = consumer({ credit: 0 });
    await publish('a', 'b');
    await settled();
    expect(made.ids).toEqual([]);
    expect(fixture.broker.prefetches).toEqual([0]);
    made.subscription.setCredit(1);
    await made.has(1);
    made.subscription.setCredit(0);
    await made.ack('a');
    await settled();
    expect(made.ids).toEqual(['a']);
    made.subscription.setCredit(5);
    await made.has(2);
  });

  test('gives nothing to a consumer whose transport is full', async () => {
    const made = consumer();
    made.subscription.paused = true;
    await publish('a');
    await settled();
    expect(made.ids).toEqual([]);
    made.subscription.paused = false;
    await made.has(1);
  });

  test('records what expired before it was handed out, and frees its frame', async () => {
    const made = consumer({ credit: 0 });
    await bus.publish(
      [incoming({ topic: 'orders', id: 'short', ttlMs: 1_000n }), incoming({ topic: 'orders', id: 'long' })],
      'messages',
      fixture.clock.now() + 5_000,
    );
    fixture.clock.advance(1_000);
    made.subscription.setCredit(5);
    await made.has(1);
    expect(made.ids).toEqual(['long']);
    await made.ack('long');
    await until(() => fixture.broker.acked === 1, 'acked frame');
    expect(fixture.ledger.statesOf('short')).toEqual(['expired']);
    expect(made.subscription.held).toBe(0);
  });

  test('drops what the ledger knows to be final when it comes again', async () => {
    const made = consumer();
    await publish('a', 'b');
    await made.has(2);
    await made.ack('a');
    fixture.broker.loseConnection();
    await settled();
    expect(await made.ack('b')).toEqual(['ok']);
    await until(() => fixture.broker.acked === 1, 'acked frame');
    expect(made.ids).toEqual(['a', 'b']);
    expect(fixture.ledger.taken).toEqual(['a']);
  });

  test('lets a consumer go on with what comes again after the connection was lost', async () => {
    const made = consumer();
    await publish(...named(5));
    await made.has(5);
    fixture.broker.loseConnection();
    await settled();
    expect(made.ids).toEqual(named(5));
    expect(await made.ack(...named(5))).toEqual(Array(5).fill('ok'));
    await until(() => fixture.broker.acked === 1, 'acked frame');
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('what one consumer of the broker loses is no loss of the next one', async () => {
    const first = consumer({ credit: 1 });
    await publish('a');
    await first.has(1);
    fixture.ledger.wait();
    const closed = first.subscription.close('it went away');
    await until(() => fixture.broker.prefetches[0] === 0, 'end of the first consumer');
    await settled();
    const second = consumer({ credit: 1, name: 'c2' });
    await settled();
    await publish('b');
    await publish('c');
    await second.has(1);
    await settled();
    fixture.broker.loseConsumer(0);
    await settled();
    expect(bus.local(channel.id)?.buffered).toBeGreaterThan(0);
    fixture.ledger.goOn();
    await closed;
    expect(await second.ack('b')).toEqual(['ok']);
    second.subscription.setCredit(10);
    await second.has(3);
    expect(second.ids.toSorted()).toEqual(['a', 'b', 'c']);
    expect(await second.ack('a', 'c')).toEqual(['ok', 'ok']);
    await until(() => fixture.broker.unsettled === 0, 'acked frames');
  });

  test('settles in the ledger what it cannot tell the broker any more', async () => {
    const made = consumer();
    await publish('a');
    await made.has(1);
    fixture.ledger.wait();
    const acked = made.ack('a');
    fixture.broker.loseConnection();
    fixture.ledger.goOn();
    expect(await acked).toEqual(['ok']);
    // Comes again, and is dropped.
    await until(() => fixture.broker.acked === 1, 'acked frame');
    expect(made.ids).toEqual(['a']);
    expect(fixture.broker.unsettled).toBe(0);
  });

  test('asks the ledger about what waited here for long', async () => {
    const made = consumer({ credit: 1 });
    await publish('a', 'b');
    await made.has(1);
    fixture.clock.advance(1_500);
    await made.ack('a');
    await made.has(2);
    expect(fixture.ledger.taken).toEqual(['b']);
    expect(await made.ack('b')).toEqual(['ok']);
  });

  /** The ledger refuses this change once. */
  function refuseOnce(refused: string): void {
    let left = 1;
    fixture.ledger.refuse((_id, change) => (change === refused && left-- > 0 ? new Error('table changed') : undefined));
  }

  test('asks again after a moment when the ledger failed, and keeps what waited', async () => {
    const made = consumer({ credit: 1 });
    await publish('a', 'b', 'c');
    await made.has(1);
    fixture.clock.advance(1_500);
    await made.ack('a');
    refuseOnce('delivered');
    await made.has(2);
    await made.ack('b');
    await made.has(3);
    await made.ack('c');
    expect(made.ids).toEqual(['a', 'b', 'c']);
    await until(() => fixture.broker.acked === 1, 'acked frame');
  });

  test('writes again after a moment what the ledger did not record, one that it cannot take by itself', async () => {
    const made = consumer({ credit: 0 });
    await bus.publish(
      ['short', 'bad'].map((id) => incoming({ topic: 'orders', id, ttlMs: 1_000n })),
      'messages',
      fixture.clock.now() + 5_000,
    );
    fixture.clock.advance(1_000);
    let isBad = true;
    fixture.ledger.refuse((id) => (id === 'bad' && isBad ? new Error('it cannot be written') : undefined));
    made.subscription.setCredit(5);
    await until(() => fixture.ledger.statesOf('short').length === 1, 'record of the good one');
    expect(fixture.broker.acked).toBe(0);
    isBad = false;
    await until(() => fixture.broker.acked === 1, 'acked frame');
    expect(fixture.ledger.statesOf('bad')).toEqual(['expired']);
  });

  /** A consumer that had `a`; whether it may have `b`, which waited here for long, the ledger is being asked. */
  async function askedAbout(): Promise<TestConsumer> {
    const made = consumer({ credit: 1 });
    await publish('a', 'b');
    await made.has(1);
    fixture.clock.advance(1_500);
    await made.ack('a');
    fixture.ledger.wait();
    await settled();
    return made;
  }

  test('a pause also holds back what the ledger is being asked about', async () => {
    const made = await askedAbout();
    const dispatcher = bus.local(channel.id);
    const paused = dispatcher?.hold('paused', true);
    fixture.ledger.goOn();
    await paused;
    await settled();
    expect(made.ids).toEqual(['a']);
    await dispatcher?.hold('paused', false);
    await made.has(2);
    expect(made.ids).toEqual(['a', 'b']);
  });

  test('what cannot be given back during a pause stays here, and is not tried again and again', async () => {
    const made = await askedAbout();
    fixture.broker.frames.length = 0;
    fixture.broker.intercept = async () => {
      throw new BusError('BROKER_UNAVAILABLE', 'away');
    };
    const dispatcher = bus.local(channel.id);
    const paused = dispatcher?.hold('paused', true);
    fixture.ledger.goOn();
    await paused;
    await until(() => fixture.broker.frames.length > 0, 'try');
    await settled();
    expect(fixture.broker.frames).toHaveLength(1);
    expect(made.ids).toEqual(['a']);
    await dispatcher?.hold('paused', false);
    await made.has(2);
    expect(await made.ack('b')).toEqual(['ok']);
    await until(() => fixture.broker.acked === 1, 'acked frame');
  });

  test('gives what a consumer held to another, with one attempt used', async () => {
    const first = consumer();
    await publish('a', 'b');
    await first.has(2);
    await first.ack('a');
    const second = consumer({ name: 'c2' });
    await first.subscription.close('it went away');
    await second.has(1);
    expect(second.ids).toEqual(['b']);
    expect(second.deliveries[0]?.attempt).toBe(2);
    expect(fixture.ledger.statesOf('b')).toEqual(['returned']);
    expect(await second.ack('b')).toEqual(['ok']);
    await until(() => fixture.broker.acked === 1, 'acked frame');
  });

  test('makes a message dead whose consumers went away more often than it may be tried', async () => {
    await publish('a');
    for (let attempt = 1; attempt <= 4; attempt++) {
      const made = consumer();
      await made.has(1);
      expect(made.deliveries[0]?.attempt).toBe(attempt);
      await made.subscription.close('it went away');
    }
    expect(fixture.ledger.statesOf('a')).toEqual(['returned', 'returned', 'returned', 'dead']);
    await until(() => fixture.broker.acked === 1, 'acked frame');
    const last = consumer();
    await settled();
    expect(last.ids).toEqual([]);
  });

  test('gives the broker back what nobody here wants any more', async () => {
    const first = consumer({ credit: 1 });
    await publish('a');
    await first.has(1);
    await publish('b');
    await until(() => fixture.broker.unsettled === 2, 'buffered frame');
    await first.ack('a');
    await first.has(2);
    await first.subscription.close('it went away');
    await until(() => fixture.broker.unsettled === 0, 'returned frame');
    expect(fixture.broker.prefetches).toEqual([0]);
    expect(fixture.broker.requeued).toBe(1);
    const second = consumer();
    await second.has(1);
    expect(second.deliveries.map(({ message, attempt }) => [message.id, attempt])).toEqual([['b', 2]]);
  });

  test('publishes anew what is left of a frame of which a part is settled', async () => {
    const first = consumer({ credit: 1 });
    await publish('a', 'b', 'c');
    await first.has(1);
    await first.ack('a');
    await first.has(2);
    await first.subscription.close('it went away');
    await until(() => fixture.broker.unsettled === 0, 'returned frame');
    expect(fixture.broker.frames).toHaveLength(2);
    expect(fixture.broker.frames[1]).toMatchObject({ topic: 'orders', verify: true });
    expect(fixture.broker.frames[1]?.messages.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(fixture.broker.acked).toBe(1);
    const second = consumer();
    await second.has(2);
    expect(second.ids).toEqual(['b', 'c']);
  });

  test('keeps the frame when its rest could not be published, and tries again', async () => {
    const first = consumer({ credit: 1 });
    await publish('a', 'b');
    await first.has(1);
    await first.ack('a');
    await first.has(2);
    let failures = 0;
    fixture.broker.intercept = async (_frame, _to, real) => {
      if (failures++ > 0) return real();
      throw new BusError('BROKER_UNAVAILABLE', 'away');
    };
    await first.subscription.close('it went away');
    await until(() => failures === 1, 'attempt');
    await settled();
    expect(fixture.broker.acked).toBe(0);
    expect(fixture.broker.unsettled).toBe(1);
    await until(() => fixture.broker.acked === 1, 'second attempt');
    const second = consumer();
    await second.has(1);
    expect(second.ids).toEqual(['b']);
  });

  test('keeps the rest of a frame while the broker takes nothing, for whoever comes', async () => {
    const first = consumer({ credit: 1 });
    await publish('a', 'b', 'c');
    await first.has(1);
    await first.ack('a');
    await first.has(2);
    fixture.broker.intercept = (_frame, _to, _real, signal) => unanswered(signal);
    fixture.broker.fault = 'it takes no messages now';
    await first.subscription.close('it went away');
    await until(() => fixture.broker.prefetches[0] === 0, 'end of its buffer');
    await settled();
    const second = consumer();
    await second.has(2);
    expect(second.ids.toSorted()).toEqual(['b', 'c']);
    expect(await second.ack('b', 'c')).toEqual(['ok', 'ok']);
    expect(fixture.broker.frames).toHaveLength(1);
  });

  test('waits no longer than it may for a broker that confirms nothing, and keeps the order of what stays', async () => {
    const made = consumer({ credit: 1 });
    await publish(...named(10));
    await made.has(1);
    fixture.broker.intercept = (_frame, _to, _real, signal) => unanswered(signal);
    const dispatcher = bus.local(channel.id);
    let isHeld = false;
    void dispatcher?.hold('purged', true, 20).then(() => {
      isHeld = true;
    });
    await until(() => isHeld, 'end of the wait');
    expect(dispatcher?.buffered).toBe(9);
    await dispatcher?.hold('purged', false);
    for (let i = 0; i < 10; i++) {
      await made.has(i + 1);
      expect(await made.ack(`m${i}`)).toEqual(['ok']);
    }
  });

  test('keeps its buffer for a consumer that comes soon', async () => {
    const first = consumer({ credit: 1 });
    await publish('a', 'b');
    await first.has(1);
    await first.subscription.close('it went away');
    const second = consumer();
    await second.has(2);
    expect(second.deliveries.map(({ message }) => message.id).sort()).toEqual(['a', 'b']);
    expect(fixture.broker.requeued).toBe(0);
  });

  test('gives a stream that drains nothing more, and lets it settle what it holds', async () => {
    const made = consumer();
    await publish('a');
    await made.has(1);
    made.subscription.quiesce();
    await publish('b');
    await settled();
    expect(made.ids).toEqual(['a']);
    expect(await made.ack('a')).toEqual(['ok']);
    expect(made.subscription.held).toBe(0);
  });

  test('refuses settles of a stream that is closed, and closes twice without harm', async () => {
    const made = consumer();
    await publish('a');
    await made.has(1);
    await made.subscription.close('it went away');
    await made.subscription.close('it went away');
    await expect(made.ack('a')).rejects.toMatchObject({ reason: 'NOT_OPEN' });
    expect(fixture.ledger.statesOf('a')).toEqual(['returned']);
  });

  test('refuses new consumers while the gateway drains', () => {
    bus.drain();
    expect(() => consumer()).toThrow(expect.objectContaining({ reason: 'DRAINING' }) as BusError);
  });

  test('loses nothing and hands out nothing that was acked, through lost connections and consumers that go', async () => {
    const acked = new Set<string>();
    const ids = named(300);
    const retried = await bus.channels.open('orders', 'billing', {
      maxRetries: 1_000,
      backoff: { kind: 'fixed', delayMs: 1 },
    });
    expect(retried.id).toBe(channel.id);
    for (let i = 0; i < ids.length; i += 30) await publish(...ids.slice(i, i + 30));
    for (let round = 0; acked.size < ids.length && round < 200; round++) {
      const made = new TestConsumer(bus, channel, { credit: 40, leaseMs: MINUTE_MS });
      await until(() => made.deliveries.length > 0, 'delivery');
      await settled(10);
      const seen = [...made.ids];
      for (const id of seen) expect(acked.has(id), `${id} came after its ack`).toBe(false);
      const half = seen.slice(0, Math.ceil(seen.length / 2));
      if (round % 3 === 1) fixture.broker.loseConnection();
      const statuses = await made.ack(...half);
      half.forEach((id, i) => {
        if (statuses[i] === 'ok') acked.add(id);
      });
      if (round % 3 === 2) fixture.broker.loseConnection();
      await made.subscription.close('it went away');
    }
    expect(acked.size).toBe(ids.length);
    await until(() => fixture.broker.unsettled === 0, 'settled frames');
  });
});
