import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { fixedRetry } from '../../support/client-types.js';
import { SetChecker } from '../../support/set-checker.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, bodies, ids, numbered, receipts } from './messages.js';

const MESSAGES = 5_000;
const KILLS = 4;

/** Guarantee 3: once an ack answered OK, the channel never gives that message to anybody again. */
export function ackIsFinal(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1, NackdJobNextRunDelaySeconds: 0 } });

  test(`${MESSAGES} messages are acked while the gateway gets SIGKILL ${KILLS} times: none comes after its ack`, async () => {
    const topic = bus.topic('kill');
    const checker = new SetChecker();
    await bus.client().makeChannel(topic, 'c', fixedRetry(100));
    for (let i = 0; i < MESSAGES; i += 500) {
      for (const { id } of await bus.client(1).publish(numbered(topic, 500))) checker.published(id);
    }
    // Small credit, so that acks are spread over the whole time.
    const consumers = [
      await AckingConsumer.start(bus.client(), topic, 'c', checker, { credit: 20 }),
      await AckingConsumer.start(bus.client(1), topic, 'c', checker, { credit: 20 }),
    ];
    for (let kill = 0; kill < KILLS; kill++) {
      const from = checker.report.acked;
      const point = Math.min(MESSAGES, from + randomInt(100, MESSAGES / KILLS));
      await checker.until(({ acked }) => acked >= point, 20_000);
      await bus.crash(kill);
    }
    await checker.until(({ lost }) => lost === 0, 20_000);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    for (let node = 0; node < bus.nodes; node++) await bus.crash(node);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
    expect(checker.report).toMatchObject({ published: MESSAGES, acked: MESSAGES, lost: 0, afterAck: 0 });
  });

  test('an ack by another node than the one that delivered counts, also when that one gets SIGKILL', async () => {
    const topic = bus.topic('other-node');
    const stream = await bus.client().subscribe(topic, 'c');
    await bus.client().publish(numbered(topic, 20));
    const received = await stream.take(20);
    expect(await bus.client(1).ack(receipts(received))).toEqual(Array(20).fill('ok'));
    await bus.crash();
    const after = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), after, topic)).toEqual([]);
  });

  test('also when the consumer that got the message goes away', async () => {
    const topic = bus.topic('other-node-gone');
    const stream = await bus.client().subscribe(topic, 'c');
    await bus.client().publish(numbered(topic, 20));
    const received = await stream.take(20);
    expect(await bus.client(1).ack(receipts(received))).toEqual(Array(20).fill('ok'));
    await stream.drop();
    const after = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), after, topic)).toEqual([]);
  });

  test('acks by another node make room for the next messages', async () => {
    const topic = bus.topic('other-node-credit');
    const checker = new SetChecker();
    const consumer = await AckingConsumer.start(bus.client(), topic, 'c', checker, {
      credit: 10,
      ackBy: bus.client(1),
    });
    for (const { id } of await bus.client().publish(numbered(topic, 50))) checker.published(id);
    await checker.until(({ lost }) => lost === 0, 15_000);
    await consumer.stop();
    expect(checker.report).toMatchObject({ acked: 50, duplicated: 0, afterAck: 0 });
  });

  test('of messages that came together, those that were acked stay away, and the others come again', async () => {
    const topic = bus.topic('some');
    const stream = await bus.client().subscribe(topic, 'c');
    await bus.client().publish(numbered(topic, 30));
    const received = await stream.take(30);
    const acked = received.filter((_, i) => i % 2 === 0);
    const left = received.filter((_, i) => i % 2 === 1);
    expect(await stream.ack(receipts(acked))).toEqual(Array(15).fill('ok'));
    await bus.crash();
    const after = await bus.client(1).subscribe(topic, 'c');
    expect(bodies(await beforeMarker(bus.client(), after, topic)).sort()).toEqual(bodies(left).sort());
  });

  test('an ack answers OK again when it is repeated, and nothing else can be done to the message', async () => {
    const topic = bus.topic('again');
    const stream = await bus.client().subscribe(topic, 'c');
    const [published] = await bus.client().publish([{ topic }]);
    const { receipt, id } = await stream.next();
    expect(id).toBe(published?.id);
    expect(await stream.ack([receipt])).toEqual(['ok']);
    expect(await stream.ack([receipt])).toEqual(['ok']);
    expect(await bus.client(1).ack([receipt])).toEqual(['ok']);
    expect(await stream.nack([receipt], 0)).toEqual(['stale']);
    expect(await stream.reject([receipt])).toEqual(['stale']);
    expect(await bus.client(1).extend([receipt], 10)).toEqual(['stale']);
    expect(ids(await beforeMarker(bus.client(), stream, topic))).toEqual([]);
  });
}
