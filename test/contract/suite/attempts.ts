import { expect, test } from 'vitest';
import { fixedRetry } from '../../support/client-types.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, bodies, ids, numbered, receipts } from './messages.js';

const RETRIES = 3;
const ATTEMPTS = [1, 2, 3, 4];

/** Guarantee 6: attempts are counted by the ledger, whatever crashes; poison ends dead, and is kept. */
export function attempts(engine: EngineUnderTest): void {
  const settings = { DLMExpiration: 1, NackdJobNextRunDelaySeconds: 0, RetryTimes: RETRIES, FrameMaxMessages: 500 };
  const bus = useBus(engine, { nodes: 2, settings });

  test('a message that is nacked again and again ends dead after its retries, and is kept', async () => {
    const topic = bus.topic('poison');
    const stream = await bus.client().subscribe(topic, 'c');
    const { id } = await bus.client().publishOne({ topic, body: 'poison', headers: { why: 'not' }, key: 'k' });
    const seen: number[] = [];
    for (const _ of ATTEMPTS) {
      const received = await stream.next();
      seen.push(received.attempt);
      expect(await stream.nack([received.receipt])).toEqual(['ok']);
    }
    expect(seen).toEqual(ATTEMPTS);
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
    const [dead] = await bus.ledger.deadLetters(topic);
    expect(dead).toMatchObject({ id, topic, key: 'k', headers: { why: 'not' } });
    expect(Buffer.from(dead?.body ?? []).toString()).toBe('poison');
    expect(await bus.ledger.records(topic, id)).toEqual([{ state: 'dead', attempt: 4 }]);
  });

  test('so does one whose consumer always goes away with it, whichever node it is on', async () => {
    const topic = bus.topic('crashing-consumer');
    await bus.client().makeChannel(topic, 'c');
    const { id } = await bus.client().publishOne({ topic, body: 'poison' });
    const seen: number[] = [];
    for (const i of ATTEMPTS) {
      const stream = await bus.client(i).subscribe(topic, 'c');
      seen.push((await stream.next()).attempt);
      await stream.drop();
    }
    expect(seen).toEqual(ATTEMPTS);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
    expect(ids(await bus.ledger.deadLetters(topic))).toEqual([id]);
  });

  test('so does one whose lease always ends, streamed or pulled', async () => {
    const topic = bus.topic('lease');
    const retry = fixedRetry(1);
    const stream = await bus.client().subscribe(topic, 'streamed', { leaseSeconds: 1, retry });
    await bus.client().makeChannel(topic, 'pulled', retry);
    const { id } = await bus.client().publishOne({ topic });
    const pulled = await bus.client().pull(topic, 'pulled', { leaseSeconds: 1 });
    const again = await bus.client(1).pull(topic, 'pulled', { leaseSeconds: 1 });
    expect([...pulled, ...again].map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await stream.take(2)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await beforeMarker(bus.client(), stream, topic, 1_500)).toEqual([]);
    expect(ids(await bus.ledger.deadLetters(topic))).toEqual([id, id]);
  });

  test('what consumers give back unhandled uses no attempt, streamed or pulled, on whichever node', async () => {
    const topic = bus.topic('unhandled');
    const retry = fixedRetry(1);
    const { id } = await bus.client().publishOne({ topic });
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      const stream = await bus.client(i).subscribe(topic, 'c', { retry });
      const received = await stream.next();
      // It comes again at once, and a stream that has it when it ends uses an attempt.
      stream.credit(0);
      expect(await stream.nack([received.receipt], undefined, true)).toEqual(['ok']);
      await stream.close();
      const [pulled] = await bus.client(i).pull(topic, 'c', { waitMs: 10_000 });
      seen.push(received.attempt, pulled?.attempt ?? 0);
      expect(await bus.client(i + 1).nack([pulled?.receipt ?? ''], 0, true)).toEqual(['ok']);
    }
    expect(seen).toEqual([1, 1, 1, 1, 1, 1]);
    const stream = await bus.client().subscribe(topic, 'c');
    await stream.nack([(await stream.next()).receipt]);
    const last = await stream.next();
    expect(last.attempt).toBe(2);
    expect(await stream.nack([last.receipt], undefined, true)).toEqual(['ok']);
    // Not even the last attempt is used up by it; and what came of the first is still told.
    const again = await stream.next();
    expect([again.id, again.attempt]).toEqual([id, 2]);
    expect(await stream.ack([last.receipt])).toEqual(['stale']);
    expect(await stream.ack([again.receipt])).toEqual(['ok']);
    expect(await bus.ledger.records(topic, id)).toEqual([{ state: 'acked', attempt: 2 }]);
  });

  test('a rejected message is dead at once, and kept', async () => {
    const topic = bus.topic('reject');
    const stream = await bus.client().subscribe(topic, 'c');
    const { id } = await bus.client().publishOne({ topic });
    expect(await stream.reject([(await stream.next()).receipt])).toEqual(['ok']);
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
    expect(await bus.ledger.records(topic, id)).toEqual([{ state: 'dead', attempt: 1 }]);
    expect(ids(await bus.ledger.deadLetters(topic))).toEqual([id]);
  });

  test('a SIGKILL of the gateway costs no attempt of messages that were only buffered there', async () => {
    const topic = bus.topic('buffered');
    const retry = fixedRetry(1);
    await bus.client().makeChannel(topic, 'c', retry);
    // One call, so one frame: all of it is at the gateway as soon as the first message is.
    const published = await bus.client().publish(numbered(topic, 500));
    const acked: string[] = [];
    const crashes = 5;
    for (let round = 0; round <= crashes; round++) {
      const stream = await bus.client().subscribe(topic, 'c', { credit: 1 });
      const rest = round === crashes ? 500 - acked.length : 20;
      for (let i = 0; i < rest; i++) {
        const received = await stream.next();
        expect(await stream.ack([received.receipt])).toEqual(['ok']);
        acked.push(received.id);
      }
      if (round === crashes) expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
      else await bus.crash();
    }
    expect(acked.sort()).toEqual(ids(published).sort());
    expect(await bus.ledger.deadLetters(topic)).toEqual([]);
  });

  test('messages that consumers hold when their gateway gets SIGKILL come again, and end dead when it happens too often', async () => {
    const topic = bus.topic('poisoned-gateway');
    await bus.client().makeChannel(topic, 'c', fixedRetry(1));
    await bus.client().publish(numbered(topic, 10));
    let kills = 0;
    for (; (await bus.ledger.deadLetters(topic)).length < 10; kills++) {
      expect(kills).toBeLessThan(10);
      const stream = await bus.client().subscribe(topic, 'c');
      // Held for longer than a moment, so the ledger knows of the hand-out.
      const held = await beforeMarker(bus.client(), stream, topic, 900);
      expect(held.every(({ attempt }) => attempt <= 2)).toBe(true);
      await bus.crash();
    }
    expect(kills).toBe(3);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(bodies(await beforeMarker(bus.client(), stream, topic))).toEqual([]);
    expect(receipts(stream.received)).toHaveLength(1);
  });
}
