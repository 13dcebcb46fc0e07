import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { fixedRetry, type Outgoing, type Received, type RetryPolicy } from '../../support/client-types.js';
import type { ConsumerStream } from '../../support/consumer-stream.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, ids, numbered } from './messages.js';

const DELAYED = 2_000;
const LONGEST_MS = 3_000;
const CANCELS = 300;

/** Guarantee 5: what is due at a time is not handed out before it; and cancel or delivery wins, never both, never none. */
export function neverEarly(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1 } });

  test(`${DELAYED} messages, each due at its own time within ${LONGEST_MS} ms, come then and not before`, async () => {
    const topic = bus.topic('delays');
    const stream = await bus.client().subscribe(topic, 'c', { credit: DELAYED });
    const dueTimes = new Map<string, number>();
    for (let i = 0; i < DELAYED / 100; i++) {
      for (const [id, dueAt] of await publishDelayed(topic, 100, i)) dueTimes.set(id, dueAt);
    }
    printLateness(await stream.take(DELAYED), dueTimes);
    await stream.drop();
  });

  test('also when the gateway gets SIGKILL while they wait', async () => {
    const topic = bus.topic('delays-kill');
    await bus.client().makeChannel(topic, 'c');
    const dueTimes = new Map<string, number>();
    for (let i = 0; i < 5; i++) for (const [id, dueAt] of await publishDelayed(topic, 100, i)) dueTimes.set(id, dueAt);
    await Promise.all(Array.from({ length: bus.nodes }, (_, node) => bus.crash(node)));
    const stream = await bus.client().subscribe(topic, 'c', { credit: DELAYED });
    const received = await stream.take(500);
    // Killed between its publish and what it notes of it, a gateway leaves a second copy; that is no loss.
    while (new Set(ids(received)).size < 500) received.push(await stream.next());
    expect(new Set(ids(received))).toEqual(new Set(dueTimes.keys()));
    printLateness(received, dueTimes);
    await stream.drop();
  });

  test('cancel or delivery wins, and never both', async () => {
    const topic = bus.topic('cancel');
    const stream = await bus.client().subscribe(topic, 'c', { credit: DELAYED });
    const tries = Array.from({ length: CANCELS }, async () => {
      const id = randomUUID();
      const dueAt = Date.now() + randomInt(2_000, 3_000);
      await bus.client().publishOne({ topic, id, dueTimeMs: dueAt });
      // Most around the time of its delivery, which takes some milliseconds; some long before, so that a machine that is busy does both too.
      const around = randomInt(4) === 0 ? randomInt(-1_500, -500) : randomInt(-10, 30);
      await delay(dueAt - Date.now() + around);
      return { id, cancelled: await cancelled(topic, id) };
    });
    const outcomes = await Promise.all(tries);
    await beforeMarker(bus.client(), stream, topic);
    const delivered = ids(stream.received).filter((id) => !id.startsWith('marker'));
    expect(new Set(delivered).size).toBe(delivered.length);
    const won = outcomes.filter((outcome) => outcome.cancelled).map(({ id }) => id);
    console.log(`cancel race on ${engine.name}: cancelled ${won.length}, delivered ${delivered.length} of ${CANCELS}`);
    expect([...won, ...delivered].sort()).toEqual(outcomes.map(({ id }) => id).sort());
    expect(won.length).toBeGreaterThan(0);
    expect(delivered.length).toBeGreaterThan(0);
    await stream.drop();
  });

  test('a parked message can be cancelled, one that is delivered cannot', async () => {
    const topic = bus.topic('cancel-parked');
    const { id } = await bus.client().publishOne({ topic });
    await bus.client(1).cancel(topic, id);
    await expect(bus.client().cancel(topic, id)).rejects.toMatchObject({ code: status.NOT_FOUND });
    const stream = await bus.client().subscribe(topic, 'c');
    const delivered = await bus.client().publishOne({ topic });
    expect((await stream.next()).id).toBe(delivered.id);
    await expect(bus.client().cancel(topic, delivered.id)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test('a message that is given another time comes then: earlier, later, at once', async () => {
    const topic = bus.topic('reschedule');
    const stream = await bus.client().subscribe(topic, 'c');
    const [earlier, later, now] = ids(
      await bus.client().publish([
        { topic, delayMs: 60_000 },
        { topic, delayMs: 1_000 },
        { topic, delayMs: 60_000 },
      ]),
    );
    const dueTimes = new Map<string, number>();
    for (const [id = '', delayMs] of [[earlier, 400] as const, [later, 1_500] as const, [now, 0] as const]) {
      const at = Date.now();
      const dueAt = await bus.client(1).reschedule(topic, id, delayMs);
      expect(dueAt).toBeGreaterThanOrEqual(at + delayMs);
      dueTimes.set(id, dueAt);
    }
    const received = await stream.take(3);
    expect(ids(received)).toEqual([now, earlier, later]);
    for (const { id, at } of received) expect(at).toBeGreaterThanOrEqual(dueTimes.get(id) ?? Number.NaN);
    await expect(bus.client().reschedule(topic, later ?? '', 100)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test('retries wait for the backoff of the channel, fixed or growing', async () => {
    const growing: RetryPolicy = {
      maxRetries: 3,
      backoff: { case: 'exponential', value: { initialMs: 100n, multiplier: 3, maxMs: 400n, jitter: 0 } },
    };
    expectAtLeast(await gapsBetweenAttempts(fixedRetry(3, 250)), [250, 250, 250]);
    expectAtLeast(await gapsBetweenAttempts(growing), [100, 300, 400]);
    expectAtLeast(await gapsBetweenAttempts(fixedRetry(2, 60_000), 200), [200, 200]);
  });

  test('so does a message whose lease ended', async () => {
    const topic = bus.topic('lease-backoff');
    const stream = await bus.client().subscribe(topic, 'c', { leaseSeconds: 1, retry: fixedRetry(3, 500) });
    await bus.client().publishOne({ topic });
    const [first, second] = await stream.take(2);
    expect(second?.at).toBeGreaterThanOrEqual((first?.leaseDeadlineMs ?? Number.NaN) + 500);
    await stream.drop();
  });

  /** Half of them with a delay, half with a due time. Answers when each may come at the earliest. */
  async function publishDelayed(topic: string, count: number, node: number): Promise<[string, number][]> {
    const now = Date.now();
    const delays = Array.from({ length: count }, () => randomInt(0, LONGEST_MS + 1));
    const messages: Outgoing[] = numbered(topic, count).map((message, i) => {
      const delayMs = delays[i] ?? 0;
      return i % 2 === 0 ? { ...message, delayMs } : { ...message, dueTimeMs: now + delayMs };
    });
    const published = await bus.client(node).publish(messages);
    return published.map(({ id }, i) => [id, now + (delays[i] ?? 0)]);
  }

  function printLateness(received: readonly Received[], dueTimes: ReadonlyMap<string, number>): void {
    const lateness = received.map(({ id, at }) => at - (dueTimes.get(id) ?? Number.NaN)).sort((a, b) => a - b);
    const percentile = (share: number) => lateness[Math.ceil(lateness.length * share) - 1];
    console.log(
      `lateness of ${received.length} delayed messages on ${engine.name}: p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms`,
    );
    expect(lateness[0]).toBeGreaterThanOrEqual(0);
    expect(lateness.at(-1)).not.toBeNaN();
  }

  async function cancelled(topic: string, id: string): Promise<boolean> {
    try {
      await bus.client(1).cancel(topic, id);
      return true;
    } catch (error) {
      expect([status.NOT_FOUND, status.FAILED_PRECONDITION]).toContainEqual(Object(error).code);
      return false;
    }
  }

  /** Nacks every attempt but the last; answers how long after the nack the next one came. */
  async function gapsBetweenAttempts(retry: RetryPolicy, nackDelayMs?: number): Promise<number[]> {
    const topic = bus.topic('backoff');
    const stream: ConsumerStream = await bus.client().subscribe(topic, 'c', { retry });
    await bus.client(1).publishOne({ topic });
    const gaps: number[] = [];
    let { receipt } = await stream.next();
    for (let attempt = 1; attempt <= (retry.maxRetries ?? 0); attempt++) {
      const nackedAt = Date.now();
      expect(await stream.nack([receipt], nackDelayMs)).toEqual(['ok']);
      const next = await stream.next();
      gaps.push(next.at - nackedAt);
      receipt = next.receipt;
    }
    expect(await stream.ack([receipt])).toEqual(['ok']);
    return gaps;
  }
}

function expectAtLeast(gaps: readonly number[], least: readonly number[]): void {
  expect(gaps).toHaveLength(least.length);
  gaps.forEach((gap, i) => {
    expect(gap).toBeGreaterThanOrEqual(least[i] ?? Number.NaN);
  });
}
