import { setTimeout as delay } from 'node:timers/promises';
import { Admin, AttemptOutcome, MessageState } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import { fixedRetry } from '../../support/client-types.js';
import { until } from '../../support/until.js';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;

export function adminMessages(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2 });
  const admin = useAdmin(bus);

  /** Rejects messages until so many are dead. */
  const kill = async (topic: string, ids: readonly string[], channel = 'c') => {
    const consumer = await bus.client().subscribe(topic, channel, { consumer: 'killer' });
    await bus.client().publish(ids.map((id) => ({ topic, id, key: `key of ${id}`, body: `body of ${id}` })));
    const received = await consumer.take(ids.length);
    await bus.client().reject(
      received.map(({ receipt }) => receipt),
      'no use at all',
    );
    await consumer.close();
  };

  const stateOf = async (topic: string, id: string, channel = 'c') => {
    const { timelines } = await admin().call(method.getMessage, { topic, id });
    return timelines.find(({ record }) => record?.channel === channel)?.record?.state;
  };

  const listDead = async (query: object, pageSize = 100) => {
    const dead = [];
    let pageToken = '';
    do {
      const page = await admin().call(method.listDead, { query, pageSize, pageToken });
      dead.push(...page.dead);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return dead;
  };

  describe('messages', () => {
    test('a message is found by its id, with its whole story on each channel', async () => {
      const topic = bus.topic('story');
      await admin().call(method.createChannel, { topic, channel: 'other' });
      const consumer = await bus.client().subscribe(topic, 'c', { retry: fixedRetry(5, 10), consumer: 'worker' });
      const { id } = await bus.client().publishOne({ topic, body: 'hello' });
      const first = await consumer.next();
      await consumer.nack([first.receipt]);
      const second = await consumer.next();
      await consumer.ack([second.receipt]);
      const [pulled] = await bus.client().pull(topic, 'other');

      const found = await admin(1).call(method.getMessage, { topic, id });
      expect(found.id).toBe(id);
      // It is leased on the other channel, so the ledger holds its body.
      expect(Buffer.from(found.message?.body ?? []).toString()).toBe('hello');
      expect(Number(found.acceptTimeMs)).toBeGreaterThan(Date.now() - 60_000);
      const [other, own] = found.timelines;
      expect(other).toMatchObject({ record: { channel: 'other', state: MessageState.LEASED, attempt: 1 } });
      expect(Number(other?.record?.dueTimeMs)).toBeGreaterThan(Date.now());
      expect(own).toMatchObject({
        record: { channel: 'c', channelTopic: topic, state: MessageState.ACKED, attempt: 2, consumer: 'worker' },
        attempts: [
          { number: 1, outcome: AttemptOutcome.RETRY, consumer: 'worker' },
          { number: 2, outcome: AttemptOutcome.ACKED, consumer: 'worker' },
        ],
      });
      expect(await admin().call(method.getMessage, { id })).toMatchObject({ topic });
      const { messages } = await admin().call(method.findMessages, { id, channel: 'c' });
      expect(messages).toMatchObject([{ id, topic, channel: 'c', state: MessageState.ACKED }]);
      await bus.client().ack([pulled?.receipt ?? '']);
      await consumer.close();
    });

    test('messages are listed by topic, channel and state, newest first, page by page', async () => {
      const topic = bus.topic('listed');
      const consumer = await bus.client().subscribe(topic, 'c');
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        ids.push((await bus.client().publishOne({ topic })).id);
        await consumer.ack([(await consumer.next()).receipt]);
        await delay(2);
      }
      const seen: string[] = [];
      let pageToken = '';
      let pages = 0;
      do {
        const states = [MessageState.ACKED];
        const page = await admin().call(method.findMessages, { topic, channel: 'c', states, pageSize: 3, pageToken });
        seen.push(...page.messages.map(({ id }) => id));
        pageToken = page.nextPageToken;
        pages++;
      } while (pageToken !== '');
      expect(seen).toEqual(ids.toReversed());
      expect(pages).toBeLessThanOrEqual(4);
      const all = await admin().call(method.findMessages, { topic });
      const third = all.messages.find(({ id }) => id === ids[2]);
      const window = { topic, afterTimeMs: third?.settleTimeMs ?? 0n, beforeTimeMs: (third?.settleTimeMs ?? 0n) + 1n };
      const { messages } = await admin().call(method.findMessages, window);
      expect(messages.map(({ id }) => id)).toContain(ids[2]);
      expect(messages.length).toBeLessThan(7);
      expect((await admin().call(method.findMessages, { topic, states: [MessageState.DEAD] })).messages).toEqual([]);
      await consumer.close();
    });

    test('what waits for its topic is found by id, and an id on two topics must say which', async () => {
      const topic = bus.topic('waiting');
      const id = `own-${topic}`;
      await bus.client().publishOne({ topic, id, delayMs: 3_600_000, body: 'later' });
      const found = await admin().call(method.getMessage, { id });
      expect(found.timelines).toMatchObject([{ record: { channel: '', state: MessageState.DELAYED } }]);
      expect(Buffer.from(found.message?.body ?? []).toString()).toBe('later');
      await bus.client().publishOne({ topic: `${topic}.b`, id });
      expect(await admin().refusal(method.getMessage, { id })).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'MESSAGE_AMBIGUOUS',
      });
      const parked = await admin().call(method.getMessage, { id, topic: `${topic}.b` });
      expect(parked.timelines).toMatchObject([{ record: { state: MessageState.PARKED } }]);
      await bus.client().cancel(topic, id);
      const { timelines } = await admin().call(method.getMessage, { id, topic });
      expect(timelines).toMatchObject([{ record: { state: MessageState.CANCELLED } }]);
    });
  });

  describe('schedule', () => {
    test('what waits is listed by due time, and runs now when it is told to', async () => {
      const topic = bus.topic('scheduled');
      const consumer = await bus.client().subscribe(topic, 'c', { retry: fixedRetry(5, 3_600_000) });
      await bus.client().publish([
        { topic, id: 'late', delayMs: 7_200_000, key: 'k', body: '12345' },
        { topic, id: 'early', delayMs: 1_800_000 },
        { topic, id: 'failed' },
      ]);
      await consumer.nack([(await consumer.next()).receipt]);
      const { scheduled } = await admin().call(method.listScheduled, { topic });
      expect(scheduled).toMatchObject([
        { id: 'early', state: MessageState.DELAYED, channel: '' },
        { id: 'failed', state: MessageState.RETRY, channel: 'c', attempt: 1 },
        { id: 'late', state: MessageState.DELAYED, key: 'k', bodyBytes: 5n },
      ]);
      const first = await admin().call(method.listScheduled, { topic, pageSize: 2 });
      const second = await admin().call(method.listScheduled, { topic, pageSize: 2, pageToken: first.nextPageToken });
      expect([...first.scheduled, ...second.scheduled].map(({ id }) => id)).toEqual(['early', 'failed', 'late']);
      const retries = await admin().call(method.listScheduled, { topic, channel: 'c' });
      expect(retries.scheduled.map(({ id }) => id)).toEqual(['failed']);

      await admin(1).call(method.runNow, { topic, id: 'late' });
      expect((await consumer.next()).id).toBe('late');
      await admin(1).call(method.runNow, { topic, id: 'failed', channel: 'c' });
      expect(await consumer.next()).toMatchObject({ id: 'failed', attempt: 2 });
      expect(await admin().refusal(method.runNow, { topic, id: 'nobody' })).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'SCHEDULED_NOT_FOUND',
      });
      await bus.client().cancel(topic, 'early');
      await consumer.close();
    });
  });

  describe('dead letters', () => {
    test('dead letters are listed by topic, channel, time, id and reason, page by page', async () => {
      const topic = bus.topic('dead');
      const ids = Array.from({ length: 5 }, (_, i) => `d${i}`);
      await kill(topic, ids);
      await kill(`${topic}.b`, ['elsewhere']);
      const dead = await listDead({ topic }, 2);
      expect(dead.map(({ id }) => id).toSorted()).toEqual(ids);
      expect(dead[0]).toMatchObject({ topic, channel: 'c', attempt: 1, consumer: 'killer', reason: 'no use at all' });
      expect(dead.every(({ key, id }) => key === `key of ${id}`)).toBe(true);
      expect(Number(dead[0]?.bodyBytes)).toBe('body of d0'.length);
      expect(await listDead({ topic, channel: 'c', reasonContains: 'USE AT' })).toHaveLength(5);
      expect(await listDead({ topic, reasonContains: 'other' })).toEqual([]);
      expect(await listDead({ topic, channel: 'nobody' })).toEqual([]);
      expect((await listDead({ topic, ids: ['d1', 'd3', 'x'] })).map(({ id }) => id).toSorted()).toEqual(['d1', 'd3']);
      expect(await listDead({ topic, beforeTimeMs: BigInt(Date.now() - 3_600_000) })).toEqual([]);
      expect(await listDead({ topic, afterTimeMs: BigInt(Date.now() - 3_600_000) })).toHaveLength(5);
    });

    test('a redriven message is delivered again with all its attempts, and its story stays', async () => {
      const topic = bus.topic('redriven');
      const consumer = await bus.client().subscribe(topic, 'c', { retry: fixedRetry(1, 10), consumer: 'w' });
      const { id } = await bus.client().publishOne({ topic, body: 'precious' });
      const early = await consumer.next();
      await consumer.nack([early.receipt]);
      await consumer.nack([(await consumer.next()).receipt]);
      await until(async () => expect(await stateOf(topic, id)).toBe(MessageState.DEAD), 10_000);
      const query = { topic, ids: [id] };
      expect(await admin(1).call(method.redrive, { query, dryRun: true })).toMatchObject({ count: 1n, complete: true });
      expect(await stateOf(topic, id)).toBe(MessageState.DEAD);
      expect(await admin(1).call(method.redrive, { query })).toMatchObject({ count: 1n, complete: true });
      expect(await admin(1).call(method.redrive, { query })).toMatchObject({ count: 0n, complete: true });

      const again = await consumer.next();
      expect([again.id, again.attempt, again.body.toString()]).toEqual([id, 1, 'precious']);
      // Receipts of the rounds before stay stale.
      expect(await bus.client(1).ack([early.receipt])).toEqual(['stale']);
      await consumer.nack([again.receipt]);
      const last = await consumer.next();
      expect(last.attempt).toBe(2);
      expect(await consumer.ack([last.receipt])).toEqual(['ok']);
      const { timelines } = await admin().call(method.getMessage, { topic, id });
      expect(timelines[0]?.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
        [1, AttemptOutcome.RETRY],
        [2, AttemptOutcome.DEAD],
        [0, AttemptOutcome.REDRIVEN],
        [1, AttemptOutcome.RETRY],
        [2, AttemptOutcome.ACKED],
      ]);
      expect(timelines[0]?.record).toMatchObject({ state: MessageState.ACKED, attempt: 2 });
      await consumer.close();
    });

    test('a redrive hits what its query says, up to its limit, and no faster than it may', async () => {
      const topic = bus.topic('redrive-many');
      const ids = Array.from({ length: 30 }, (_, i) => `r${i}`);
      await kill(topic, ids);
      await kill(topic, ['other'], 'd');
      // The second round put its copies on the first channel, too.
      await bus
        .client()
        .pull(topic, 'c', { max: 1_000 })
        .then((all) => bus.client().ack(all.map((one) => one.receipt)));
      const query = { topic, channel: 'c' };
      expect(await admin().call(method.redrive, { query, limit: 10, dryRun: true })).toMatchObject({
        count: 10n,
        complete: false,
      });
      const consumer = await bus.client().subscribe(topic, 'c');
      const began = Date.now();
      expect(await admin().call(method.redrive, { query, limit: 20, maxPerSecond: 10 })).toMatchObject({
        count: 20n,
        complete: false,
      });
      const received = await consumer.take(20);
      expect(Date.now() - began).toBeGreaterThan(1_500);
      await consumer.ack(received.map(({ receipt }) => receipt));
      expect(await listDead({ topic })).toHaveLength(11);
      expect(await admin().call(method.redrive, { query })).toMatchObject({ count: 10n, complete: true });
      await consumer.take(10);
      expect((await listDead({ topic })).map(({ id, channel }) => [id, channel])).toEqual([['other', 'd']]);
      await consumer.close();
    });

    test('deleted dead letters are gone for good, and on record', async () => {
      const topic = bus.topic('deleted-dead');
      await kill(topic, ['a', 'b', 'c']);
      const query = { topic, ids: ['a', 'b'] };
      expect(await admin().call(method.deleteDead, { query, dryRun: true })).toMatchObject({ count: 2n });
      expect(await admin().call(method.deleteDead, { query })).toMatchObject({ count: 2n, complete: true });
      expect((await listDead({ topic })).map(({ id }) => id)).toEqual(['c']);
      const { timelines, message } = await admin().call(method.getMessage, { topic, id: 'a' });
      expect(message).toBeUndefined();
      expect(timelines[0]?.record?.state).toBe(MessageState.PURGED);
      expect(timelines[0]?.attempts.map(({ outcome }) => outcome)).toEqual([
        AttemptOutcome.DEAD,
        AttemptOutcome.PURGED,
      ]);
      expect(await admin().call(method.redrive, { query })).toMatchObject({ count: 0n });
    });
  });
}
