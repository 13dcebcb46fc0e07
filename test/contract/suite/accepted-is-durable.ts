import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { AckingConsumer } from '../../support/acking-consumer.js';
import type { Outgoing, Published } from '../../support/client-types.js';
import type { ConsumerOptions } from '../../support/consumer-stream.js';
import { SetChecker } from '../../support/set-checker.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, bodies, ids, numbered, numbers } from './messages.js';

/** Guarantee 1: once a publish answered OK, the message is kept; and a publish that is repeated makes no second one. */
export function acceptedIsDurable(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1 } });

  test('a message whose publish answered OK is there after a SIGKILL of the gateway at once', async () => {
    const topic = bus.topic('kill');
    await bus.client().makeChannel(topic, 'c');
    const published: Published[] = [];
    for (let round = 0; round < 3; round++) {
      published.push(...(await bus.client().publish(numbered(topic, 20))));
      await bus.crash();
    }
    expect(new Set(published.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    const stream = await bus.client().subscribe(topic, 'c');
    expect(ids(await stream.take(60)).sort()).toEqual(ids(published).sort());
  });

  test('so is a message that waits for its time, and one that waits for a first channel', async () => {
    const topic = bus.topic('kill-waiting');
    const [parked] = await bus.client().publish([{ topic }]);
    await bus.crash();
    const [scheduled] = await bus.client().publish([{ topic, delayMs: 1_000 }]);
    await bus.crash();
    expect([parked?.outcome, scheduled?.outcome]).toEqual(['parked', 'scheduled']);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(new Set(ids(await stream.take(2)))).toEqual(new Set([parked?.id, scheduled?.id]));
  });

  test('what no channel wants is parked, and reaches the first channel in order, and no later one', async () => {
    const topic = bus.topic('parked');
    const published = await bus.client(1).publish(numbered(topic, 50));
    expect(new Set(published.map(({ outcome }) => outcome))).toEqual(new Set(['parked']));
    const first = await bus.client().subscribe(topic, 'first');
    expect(bodies(await first.take(50))).toEqual(numbers(50));
    const second = await bus.client().subscribe(topic, 'second');
    expect(await beforeMarker(bus.client(), second, topic)).toEqual([]);
  });

  test('messages that are published while the first channel is being made reach it, every one', async () => {
    const topic = bus.topic('race');
    const checker = new SetChecker();
    const outcomes = new Set<string>();
    const publish = async (body: string) => {
      const { id, outcome } = await bus.client().publishOne({ topic, body });
      outcomes.add(outcome);
      checker.published(id);
    };
    const publishing: Promise<void>[] = [];
    let starting: Promise<AckingConsumer> | undefined;
    for (let i = 0; i < 200; i++) {
      publishing.push(publish(`${i}`));
      if (i === 20) starting = AckingConsumer.start(bus.client(1), topic, 'c', checker);
      // One at a time on their way, so that they are spread over the making of the channel.
      await publishing[i];
    }
    const consumer = await starting;
    await checker.until(({ published, lost }) => published === 200 && lost === 0, 15_000);
    await consumer?.stop();
    expect(outcomes).toContain('parked');
    expect(checker.report).toMatchObject({ published: 200, acked: 200, lost: 0, afterAck: 0 });
  });

  test('a message with an id of its own is accepted once: in one call, in two, by two nodes, after a SIGKILL', async () => {
    const topic = bus.topic('own-id');
    await bus.client().makeChannel(topic, 'c');
    const message = { topic, id: 'order-1' };
    const outcomes = (await bus.client().publish([message, message])).map(({ outcome }) => outcome);
    outcomes.push((await bus.client().publishOne(message)).outcome);
    outcomes.push((await bus.client(1).publishOne(message)).outcome);
    await bus.crash();
    outcomes.push((await bus.client().publishOne(message)).outcome);
    expect(outcomes).toEqual(['accepted', 'duplicate', 'duplicate', 'duplicate', 'duplicate']);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(ids(await beforeMarker(bus.client(), stream, topic))).toEqual(['order-1']);
  });

  test('so it is when it waits: for its time, or for a first channel', async () => {
    const topic = bus.topic('own-id-waiting');
    const later = { topic, id: 'later', delayMs: 1_000 };
    const parked = { topic, id: 'parked' };
    const outcomes: string[] = [];
    for (const message of [later, later, parked, parked]) {
      outcomes.push((await bus.client(outcomes.length).publishOne(message)).outcome);
    }
    expect(outcomes).toEqual(['scheduled', 'duplicate', 'parked', 'duplicate']);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(ids(await beforeMarker(bus.client(), stream, topic, 1_500))).toEqual(['parked', 'later']);
  });

  test('the same id by many calls at once, on one node, makes one message', async () => {
    const { checker, published } = await publishAtOnce([0, 0, 0, 0]);
    expect(published).toBe(50);
    expect(checker.report).toMatchObject({ acked: 51, lost: 0, duplicated: 0 });
  });

  test('by calls on several nodes, copies may be made, and none comes after an ack', async () => {
    const { checker } = await publishAtOnce([0, 1, 0, 1], { credit: 1 });
    expect(checker.report).toMatchObject({ acked: 51, lost: 0, duplicated: 0, afterAck: 0 });
  });

  /** 50 messages, each by a call to every one of the nodes at the same time. Answers how many calls were not told "duplicate". */
  async function publishAtOnce(nodes: readonly number[], options: ConsumerOptions = {}) {
    const topic = bus.topic('at-once');
    const checker = new SetChecker();
    const consumer = await AckingConsumer.start(bus.client(), topic, 'c', checker, options);
    const messages = Array.from({ length: 50 }, () => ({ topic, id: randomUUID() }));
    const outcomes = await Promise.all(
      messages.flatMap((message) =>
        nodes.map(async (node) => {
          const { id, outcome } = await bus.client(node).publishOne(message);
          checker.published(id);
          return outcome;
        }),
      ),
    );
    await checker.until(({ lost }) => lost === 0, 15_000);
    await bus.client().publishOne({ topic, id: 'last', delayMs: 500 });
    checker.published('last');
    await checker.until(({ lost }) => lost === 0, 15_000);
    await consumer.stop();
    return { checker, published: outcomes.filter((outcome) => outcome !== 'duplicate').length };
  }

  test('a publish whose outcome is unknown, repeated under the same id, is delivered once', async () => {
    const topic = bus.topic('unknown');
    await bus.client().makeChannel(topic, 'c');
    const messages = numbered(topic, 1_000).map((message) => ({ ...message, id: randomUUID() }));
    const { sent, unknown } = await publishUntilKilled(messages);
    await bus.gateway().start();
    expect(unknown.length).toBeGreaterThan(0);
    for (const message of unknown) expect((await bus.client(1).publishOne(message)).id).toBe(message.id);
    // One at a time: each is acked before the next is handed out.
    const stream = await bus.client().subscribe(topic, 'c', { credit: 1 });
    const delivered: string[] = [];
    for (const _ of sent) {
      const received = await stream.next();
      delivered.push(received.id);
      expect(await stream.ack([received.receipt])).toEqual(['ok']);
    }
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
    expect(delivered.sort()).toEqual(ids(sent).sort());
  });

  /** Many publishes under way at any time, and a SIGKILL in their midst. Answers what was sent, and whose outcome is not known. */
  async function publishUntilKilled<M extends Outgoing>(messages: readonly M[]) {
    const sent: M[] = [];
    const unknown: M[] = [];
    let killed: Promise<void> | undefined;
    const publishOnAndOn = async () => {
      while (killed === undefined) {
        const message = messages[sent.length];
        if (message === undefined) return;
        sent.push(message);
        try {
          await bus.client().publishOne(message, 5_000);
        } catch {
          unknown.push(message);
        }
        if (sent.length > 150) killed ??= bus.gateway().kill();
      }
    };
    await Promise.all(Array.from({ length: 50 }, publishOnAndOn));
    await killed;
    return { sent, unknown };
  }
}
