import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { fixedRetry } from '../../support/client-types.js';
import { SetChecker } from '../../support/set-checker.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, bodies, ids, numbered, numbers, receipts } from './messages.js';

const MOST_BYTES = 4_194_304;

/** Guarantee 2: every channel of a topic gets every message, until it is settled or expires. */
export function atLeastOnce(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1, NackdJobNextRunDelaySeconds: 0 } });

  test('every channel of a topic gets every message, and the consumers of one channel share them', async () => {
    const topic = bus.topic('channels');
    const alone = new SetChecker();
    const shares = [new SetChecker(), new SetChecker(), new SetChecker()];
    const consumers = [await AckingConsumer.start(bus.client(), topic, 'alone', alone)];
    for (const [i, share] of shares.entries()) {
      consumers.push(await AckingConsumer.start(bus.client(i), topic, 'shared', share, { credit: 10 }));
    }
    for (let i = 0; i < 30; i++) {
      for (const { id } of await bus.client(i).publish(numbered(topic, 10))) alone.published(id);
    }
    await alone.until(({ lost }) => lost === 0, 15_000);
    expect(alone.report).toMatchObject({ published: 300, acked: 300, duplicated: 0 });
    const sum = () => shares.reduce((total, share) => total + share.report.acked, 0);
    await Promise.race(shares.map((share) => share.until(() => sum() === 300, 15_000)));
    for (const share of shares) expect(share.report).toMatchObject({ duplicated: 0, afterAck: 0 });
    expect(Math.min(...shares.map(({ report }) => report.acked))).toBeGreaterThan(0);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
  });

  test('fifty channels each get their copy', async () => {
    const topic = bus.topic('fifty');
    const streams = await Promise.all(
      Array.from({ length: 50 }, (_, i) => bus.client(i).subscribe(topic, `channel-${i}`)),
    );
    await bus.client().publish(numbered(topic, 20));
    for (const stream of streams) expect(bodies(await stream.take(20)).sort()).toEqual(numbers(20).sort());
    await Promise.all(streams.map((stream) => stream.drop()));
  });

  test('a pattern gets what it matches: * is one word, # any number of them', async () => {
    const prefix = bus.topic('pattern');
    const topics = ['orders', 'orders.created', 'orders.created.eu', 'users'].map((name) => `${prefix}.${name}`);
    const expected = {
      [`${prefix}.orders.*`]: ['orders.created'],
      [`${prefix}.orders.#`]: ['orders', 'orders.created', 'orders.created.eu'],
      [`${prefix}.*.created`]: ['orders.created'],
      [`${prefix}.#`]: ['orders', 'orders.created', 'orders.created.eu', 'users'],
      [`${prefix}.orders`]: ['orders'],
    };
    const streams = new Map(
      await Promise.all(
        Object.keys(expected).map(async (pattern, i) => {
          return [pattern, await bus.client(i).subscribe(pattern, 'c')] as const;
        }),
      ),
    );
    for (const topic of topics) await bus.client().publishOne({ topic });
    for (const [pattern, names] of Object.entries(expected)) {
      const got = await streams.get(pattern)?.take(names.length);
      expect(got?.map(({ topic }) => topic)).toEqual(names.map((name) => `${prefix}.${name}`));
    }
    for (const stream of streams.values()) await stream.drop();
    for (const [pattern, names] of Object.entries(expected)) {
      expect(streams.get(pattern)?.received.length, pattern).toBe(names.length);
    }
  });

  test('what a consumer held when it went away goes to another at once, as attempt 2', async () => {
    const topic = bus.topic('gone');
    const going = await bus.client().subscribe(topic, 'c', { credit: 20 });
    const published = await bus.client().publish(numbered(topic, 20));
    expect((await going.take(20)).map(({ attempt }) => attempt)).toEqual(Array(20).fill(1));
    const staying = await bus.client(1).subscribe(topic, 'c');
    await going.drop();
    const again = await staying.take(20);
    expect(ids(again).sort()).toEqual(ids(published).sort());
    expect(again.map(({ attempt }) => attempt)).toEqual(Array(20).fill(2));
    await staying.drop();
  });

  test('what consumers of a gateway held when it got SIGKILL goes to others', async () => {
    const topic = bus.topic('gateway-gone');
    const held = await bus.client().subscribe(topic, 'c', { credit: 20 });
    const published = await bus.client().publish(numbered(topic, 50));
    await held.take(20);
    await bus.gateway().kill();
    await bus.gateway().start();
    const stream = await bus.client(1).subscribe(topic, 'c');
    expect(ids(await stream.take(50)).sort()).toEqual(ids(published).sort());
    await stream.drop();
  });

  test('a consumer that does nothing holds up its credit, and no more', async () => {
    const topic = bus.topic('slow');
    const slow = await bus.client().subscribe(topic, 'c', { credit: 1 });
    const [first] = await bus.client().publish(numbered(topic, 1));
    const held = await slow.next();
    expect(held.id).toBe(first?.id);
    const fast = new SetChecker();
    const consumer = await AckingConsumer.start(bus.client(), topic, 'c', fast);
    for (const { id } of await bus.client().publish(numbered(topic, 500))) fast.published(id);
    await fast.until(({ lost }) => lost === 0, 15_000);
    expect(slow.received).toHaveLength(1);
    expect(await slow.ack([held.receipt])).toEqual(['ok']);
    await slow.drop();
    await consumer.stop();
  });

  test('bodies of 0 bytes and of the largest size, headers and key arrive as they were sent', async () => {
    const topic = bus.topic('sizes');
    const stream = await bus.client(1).subscribe(topic, 'c');
    const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`x-header-${i}`, `wért ${i} ✓`]));
    const sent = [
      { topic, body: Buffer.alloc(0), headers: {}, key: '' },
      { topic, body: randomBytes(MOST_BYTES), headers, key: 'bestellung-4711 ✓' },
      { topic, body: randomBytes(1_000_000), headers: { traceparent: '00-1-2-03' }, key: 'k' },
    ];
    for (const message of sent) await bus.client().publishOne(message);
    const received = await stream.take(3);
    // What a gateway asks the ledger about, as it does after it stood still, may come in another order.
    for (const { topic: _, body, ...rest } of sent) {
      const got = received.find(({ key }) => key === rest.key);
      expect({ headers: got?.headers, key: got?.key }).toEqual(rest);
      expect(got?.body.equals(body), `the body of ${rest.key}`).toBe(true);
    }
    await stream.ack(receipts(received));
    await stream.drop();
  });

  test('large messages come back from a retry and from a dead gateway as they were', async () => {
    const topic = bus.topic('large-again');
    const stream = await bus.client(1).subscribe(topic, 'c', { retry: fixedRetry(10) });
    const body = randomBytes(MOST_BYTES);
    await bus.client(1).publishOne({ topic, body });
    const first = await stream.next();
    expect(await stream.nack([first.receipt])).toEqual(['ok']);
    const second = await stream.next();
    expect(second.attempt).toBe(2);
    await bus.crash(1);
    const again = await (await bus.client(1).subscribe(topic, 'c')).next();
    expect([first, second, again].every((received) => received.body.equals(body))).toBe(true);
  });

  test('a body over the limit is refused, and the rest of its call accepted', async () => {
    const topic = bus.topic('too-large');
    await bus.client().makeChannel(topic, 'c');
    const tooLarge = { topic, body: Buffer.alloc(MOST_BYTES + 1) };
    await expect(bus.client().publishOne(tooLarge)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const outcomes = (await bus.client().publish([{ topic }, tooLarge])).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['accepted', 'refused']);
  });

  test('a message that nobody took before its time to live was over expires, and the ledger says so', async () => {
    const topic = bus.topic('ttl');
    await bus.client().makeChannel(topic, 'c');
    const [expiring] = await bus.client().publish([{ topic, ttlMs: 300 }]);
    const [living] = await bus.client().publish([{ topic, ttlMs: 60_000 }]);
    // A message that is due later: once it is here, the first one's time is over.
    const clock = bus.topic('ttl-clock');
    await beforeMarker(bus.client(), await bus.client().subscribe(clock, 'c'), clock, 400);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(ids(await beforeMarker(bus.client(), stream, topic))).toEqual([living?.id]);
    await stream.close();
    expect(await bus.ledger.records(topic, expiring?.id ?? '')).toMatchObject([{ state: 'expired' }]);
  });

  // The last one: its channel wants what all others publish.
  test('a channel of the pattern # gets the messages of every topic', async () => {
    const topic = bus.topic('everything');
    const stream = await bus.client(1).subscribe('#', topic);
    await bus.client().publish([{ topic: `${topic}.a` }, { topic: `${topic}.b.c` }, { topic }]);
    const topics = (await stream.take(3)).map((received) => received.topic);
    expect(topics).toEqual([`${topic}.a`, `${topic}.b.c`, topic]);
    await stream.drop();
  });
}
