import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { fixedRetry, type Outgoing } from '../../support/client-types.js';
import { SetChecker } from '../../support/set-checker.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, ids, numbered, receipts } from './messages.js';

const MESSAGES = 3_000;
const BATCH = 50;
/** A broker takes ten seconds to come back on a small machine. */
const TEST_MS = 90_000;
const BACK_MS = 60_000;

/** Guarantees 1 and 3 once more, with each part of the engine killed, its data as a crash leaves it. */
export function partCrashes(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1 }, breakable: true });

  const topics = new Map(engine.parts.map((part) => [part, { amid: bus.topic('amid'), after: bus.topic('after') }]));

  beforeAll(async () => {
    for (const { amid, after } of topics.values()) {
      await bus.client().makeChannel(amid, 'c', fixedRetry(100));
      await bus.client().makeChannel(after, 'c', fixedRetry(100));
    }
    await bus.channelsKept();
  });

  describe.each(engine.parts)('%s', (part) => {
    const { amid = '', after = '' } = topics.get(part) ?? {};

    test(
      'gets SIGKILL amid publishing and acking: no accepted message is lost, none comes after its ack',
      async () => {
        const checker = new SetChecker();
        const consumer = await AckingConsumer.start(bus.client(1), amid, 'c', checker);
        const publishing = publishAll(amid, checker);
        await checker.until(({ acked }) => acked >= MESSAGES / 4, BACK_MS);
        await bus.part(part).kill();
        await bus.part(part).start();
        await publishing;
        await checker.until(({ lost }) => lost === 0, BACK_MS);
        await consumer.stop();
        const stream = await bus.client().subscribe(amid, 'c');
        expect(await beforeMarker(bus.client(), stream, amid)).toEqual([]);
        await stream.drop();
        console.log(`${part} of ${engine.name} killed amid ${MESSAGES} messages: ${JSON.stringify(checker.report)}`);
        expect(checker.report).toMatchObject({ published: MESSAGES, acked: MESSAGES, lost: 0, afterAck: 0 });
      },
      TEST_MS,
    );

    test(
      'gets SIGKILL right after acks that answered OK: only what was not acked comes again',
      async () => {
        const stream = await bus.client().subscribe(after, 'c', { credit: 400 });
        await bus.client(1).publish(numbered(after, 200));
        const received = await stream.take(200);
        const acked = received.slice(0, 150);
        expect(new Set(await stream.ack(receipts(acked)))).toEqual(new Set(['ok']));
        await bus.part(part).kill();
        await bus.part(part).start();
        await stream.drop();
        const next = await bus.client().subscribe(after, 'c', { credit: 400 });
        const again = await beforeMarker(bus.client(), next, after, 1_000);
        expect(ids(again).sort()).toEqual(ids(received.slice(150)).sort());
        await next.drop();
      },
      TEST_MS,
    );
  });

  /** By both nodes, batch after batch; each batch under its ids until it is answered. */
  async function publishAll(topic: string, checker: SetChecker): Promise<void> {
    const batches = Array.from({ length: MESSAGES / BATCH }, () => {
      return Array.from({ length: BATCH }, () => ({ topic, id: randomUUID() }));
    });
    const publisher = async (node: number) => {
      for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
        let open: Outgoing[] = batch;
        while (open.length > 0) open = await publishSome(node, open, checker);
      }
    };
    await Promise.all([publisher(0), publisher(1)]);
  }

  /** Answers those that are still to be published. */
  async function publishSome(node: number, messages: readonly Outgoing[], checker: SetChecker): Promise<Outgoing[]> {
    try {
      const results = await bus.client(node).publish(messages, 5_000);
      const accepted = results.filter(({ outcome }) => outcome !== 'refused').map(({ id }) => id);
      for (const id of accepted) checker.published(id);
      return messages.filter(({ id = '' }) => !accepted.includes(id));
    } catch {
      await delay(50);
      return [...messages];
    }
  }
}
