import { setTimeout as delay } from 'node:timers/promises';
import { Admin, ConsumerKind, MessageState } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import { fixedRetry } from '../../support/client-types.js';
import { until } from '../../support/until.js';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;
/** Other gateways follow within 5 seconds: see admin.proto. */
const FOLLOW_MS = 8_000;

export function adminChannels(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2 });
  const admin = useAdmin(bus);

  const channelOf = async (topic: string, channel: string, node = 0) => {
    const response = await admin(node).call(method.getChannel, { topic, channel });
    if (response.channel?.depth === undefined) throw new Error('a channel has a depth');
    return { ...response.channel, depth: response.channel.depth };
  };

  describe('topics and channels', () => {
    test('a channel that was created keeps messages, is listed, and tells its policy', async () => {
      const topic = bus.topic('created');
      const retry = fixedRetry(7, 1_500);
      await admin().call(method.createChannel, { topic, channel: 'one', retry });
      await admin().call(method.createChannel, { topic, channel: 'two' });
      expect((await bus.client().publishOne({ topic })).outcome).toBe('accepted');
      const { channels } = await admin(1).call(method.listChannels, { topic });
      expect(channels.map(({ name }) => name)).toEqual(['one', 'two']);
      const one = await channelOf(topic, 'one', 1);
      expect(one.retry?.maxRetries).toBe(7);
      expect(one.retry?.backoff).toMatchObject({ case: 'fixed', value: { delayMs: 1_500n } });
      expect(one.paused).toBe(false);
      expect(Number(one.createTimeMs)).toBeGreaterThan(Date.now() - 60_000);
      await until(async () => expect((await channelOf(topic, 'one')).depth.ready).toBe(1n), 10_000);
      expect((await channelOf(topic, 'two')).depth).toMatchObject({ inFlight: 0n, scheduled: 0n, dead: 0n });
    });

    test('a list comes in pages, each once, and a token belongs to its request', async () => {
      const topic = bus.topic('paged');
      const names = Array.from({ length: 5 }, (_, i) => `c${i}`);
      for (const channel of names) await admin().call(method.createChannel, { topic, channel });
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await admin().call(method.listChannels, { topic, pageSize: 2, pageToken });
        expect(page.channels.length).toBeLessThanOrEqual(2);
        seen.push(...page.channels.map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(seen).toEqual(names);
      const first = await admin().call(method.listChannels, { topic, pageSize: 2 });
      const stolen = { topic: `${topic}-other`, pageSize: 2, pageToken: first.nextPageToken };
      expect(await admin().refusal(method.listChannels, stolen)).toMatchObject({ reason: 'PAGE_INVALID' });
    });

    test('topics are those of channels and those that messages are parked for', async () => {
      const topic = bus.topic('topics');
      await admin().call(method.createChannel, { topic: `${topic}.a`, channel: 'one' });
      await admin().call(method.createChannel, { topic: `${topic}.*`, channel: 'all' });
      const parked = bus.topic(`${topic}-parked`);
      expect((await bus.client().publishOne({ topic: parked })).outcome).toBe('parked');
      const { topics } = await admin().call(method.listTopics, { prefix: topic });
      expect(topics.map(({ name, pattern, channelCount, parked }) => [name, pattern, channelCount, parked])).toEqual([
        [parked, false, 0, 1n],
        [`${topic}.*`, true, 1, 0n],
        [`${topic}.a`, false, 1, 0n],
      ]);
      const { channels } = await admin().call(method.getTopic, { topic: `${topic}.a` });
      expect(channels.map(({ name }) => name)).toEqual(['all', 'one']);
      const unknown = await admin().refusal(method.getTopic, { topic: bus.topic('nobody-knows') });
      expect(unknown).toMatchObject({ code: 'NOT_FOUND', reason: 'TOPIC_NOT_FOUND' });
    });

    test('consumers are listed with their gateway, channel, credit and what they hold', async () => {
      const topic = bus.topic('consumers');
      const consumer = await bus.client().subscribe(topic, 'c', { credit: 7, consumer: 'reader' });
      await bus.client().publishOne({ topic });
      await consumer.next();
      await until(async () => {
        const { consumers } = await admin(1).call(method.listConsumers, { topic });
        expect(consumers).toMatchObject([
          { topic, channel: 'c', name: 'reader', kind: ConsumerKind.STREAM, credit: 7, inFlight: 1 },
        ]);
        expect(consumers[0]?.node).not.toBe('');
      }, FOLLOW_MS);
      await until(async () => {
        const { depth, consumers } = await channelOf(topic, 'c', 1);
        expect([depth.inFlight, consumers]).toEqual([1n, 1]);
      }, FOLLOW_MS);
      await consumer.close();
    });
  });

  describe('pause and resume', () => {
    test('nothing is handed out while a channel is paused, on any gateway, and nothing is lost', async () => {
      const topic = bus.topic('paused');
      const here = await bus.client().subscribe(topic, 'c');
      const there = await bus.client(1).subscribe(topic, 'c');
      const other = await bus.client().subscribe(topic, 'other');
      await admin().call(method.pauseChannel, { topic, channel: 'c' });
      await admin().call(method.pauseChannel, { topic, channel: 'c' });
      // The other gateway follows.
      await until(async () => expect((await channelOf(topic, 'c', 1)).paused).toBe(true), FOLLOW_MS);
      await delay(bus.nodes > 1 ? 5_500 : 0);
      const messages = Array.from({ length: 10 }, (_, i) => ({ topic, id: `m${i}` }));
      await bus.client().publish(messages);
      expect(await other.take(10)).toHaveLength(10);
      await delay(500);
      expect([...here.received, ...there.received]).toEqual([]);
      await until(async () => expect(Number((await channelOf(topic, 'c')).depth.ready)).toBeGreaterThan(0), 10_000);

      await admin().call(method.resumeChannel, { topic, channel: 'c' });
      await until(async () => {
        const ids = [...here.received, ...there.received].map(({ id }) => id);
        expect(ids.toSorted()).toEqual(messages.map(({ id }) => id));
      }, 15_000);
      await Promise.all([here.close(), there.close(), other.close()]);
    });

    test('a pause outlives a restart of the gateway', async () => {
      const topic = bus.topic('still-paused');
      await admin().call(method.createChannel, { topic, channel: 'c' });
      await admin().call(method.pauseChannel, { topic, channel: 'c' });
      await bus.crash();
      await bus.client().publishOne({ topic });
      expect(await bus.client().pull(topic, 'c', { waitMs: 500 })).toEqual([]);
      await admin().call(method.resumeChannel, { topic, channel: 'c' });
      expect(await bus.client().pull(topic, 'c', { waitMs: 10_000 })).toHaveLength(1);
    });
  });

  describe('purge', () => {
    test('messages that wait end purged, on this channel alone; what a consumer holds stays its own', async () => {
      const topic = bus.topic('purged');
      const consumer = await bus.client().subscribe(topic, 'c', { credit: 1 });
      await admin().call(method.createChannel, { topic, channel: 'other' });
      const published = await bus.client().publish(Array.from({ length: 200 }, () => ({ topic })));
      const held = await consumer.next();
      const dry = { topic, channel: 'c', ready: true, dryRun: true };
      await until(
        async () => expect(Number((await admin().call(method.purgeChannel, dry)).ready)).toBeGreaterThan(0),
        10_000,
      );

      const { ready, complete } = await admin().call(method.purgeChannel, { topic, channel: 'c', ready: true });
      expect([ready, complete]).toEqual([199n, true]);
      expect(await consumer.ack([held.receipt])).toEqual(['ok']);
      await delay(300);
      expect(consumer.received).toHaveLength(1);
      const states = await Promise.all(
        published.map(async ({ id }) => {
          const { timelines } = await admin().call(method.getMessage, { topic, id });
          return timelines.find(({ record }) => record?.channel === 'c')?.record?.state;
        }),
      );
      expect(states.filter((state) => state === MessageState.PURGED)).toHaveLength(199);
      expect(states.filter((state) => state === MessageState.ACKED)).toHaveLength(1);
      const others = new Set<string>();
      while (others.size < 200) {
        const pulled = await bus.client().pull(topic, 'other', { max: 1_000 });
        expect(pulled).not.toEqual([]);
        for (const { id } of pulled) others.add(id);
      }

      // What comes after the purge is delivered.
      await bus.client().publishOne({ topic, id: 'later' });
      expect((await consumer.next()).id).toBe('later');
      await consumer.close();
    });

    test('retries that wait end purged', async () => {
      const topic = bus.topic('purged-retries');
      const consumer = await bus.client().subscribe(topic, 'c', { retry: fixedRetry(5, 3_600_000) });
      await bus.client().publish([{ topic }, { topic }, { topic }]);
      const received = await consumer.take(3);
      await consumer.nack(received.map(({ receipt }) => receipt));
      const request = { topic, channel: 'c', scheduled: true };
      expect((await admin().call(method.purgeChannel, { ...request, dryRun: true })).scheduled).toBe(3n);
      expect(await admin().call(method.purgeChannel, request)).toMatchObject({
        scheduled: 3n,
        ready: 0n,
        complete: true,
      });
      expect((await admin().call(method.listScheduled, { topic })).scheduled).toEqual([]);
      await consumer.close();
    });
  });

  describe('delete', () => {
    test('a channel with consumers or messages is not deleted by accident', async () => {
      const topic = bus.topic('kept');
      const consumer = await bus.client(1).subscribe(topic, 'c', { credit: 0 });
      const request = { topic, channel: 'c' };
      await until(async () => expect((await channelOf(topic, 'c')).consumers).toBe(1), FOLLOW_MS);
      expect(await admin().refusal(method.deleteChannel, request)).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'CHANNEL_IN_USE',
      });
      await consumer.close();
      await bus.client().publishOne({ topic });
      await until(async () => {
        expect(await admin().refusal(method.deleteChannel, request)).toMatchObject({ reason: 'CHANNEL_NOT_EMPTY' });
      }, FOLLOW_MS);
      expect((await admin().call(method.deleteChannel, { ...request, dryRun: true })).purged).toBe(1n);
      await until(async () => {
        expect((await admin().call(method.deleteChannel, { ...request, purge: true })).purged).toBe(1n);
      }, FOLLOW_MS);
      expect(await admin().refusal(method.getChannel, request)).toMatchObject({ reason: 'CHANNEL_NOT_FOUND' });
      expect((await bus.client().publishOne({ topic })).outcome).toBe('parked');
    });

    test('a channel that was deleted is made anew by its next consumer, on any gateway', async () => {
      const topic = bus.topic('again');
      await bus.client(1).makeChannel(topic, 'c', fixedRetry(9));
      await until(async () => {
        await admin().call(method.deleteChannel, { topic, channel: 'c' });
      }, FOLLOW_MS);
      // The other gateway may not have learnt of it yet: then it makes the channel again once it has.
      const consumer = await bus.client(1).subscribe(topic, 'c');
      await until(async () => expect((await channelOf(topic, 'c')).retry).toBeUndefined(), 15_000);
      expect((await bus.client().publishOne({ topic, id: 'm' })).outcome).toBe('accepted');
      expect((await consumer.next()).id).toBe('m');
      await consumer.close();
    });

    test('a topic goes with its channels, what they hold, and what waits for it', async () => {
      const topic = bus.topic('whole');
      await admin().call(method.createChannel, { topic, channel: 'a' });
      await admin().call(method.createChannel, { topic, channel: 'b' });
      await bus.client().publish([{ topic }, { topic, delayMs: 3_600_000, id: 'late' }]);
      await until(async () => expect((await channelOf(topic, 'b')).depth.ready).toBe(1n), 10_000);
      const all = { topic, purge: true };
      const counts = { channels: 2, purged: 2n, cancelled: 1n };
      expect(await admin().refusal(method.deleteTopic, { topic })).toMatchObject({ reason: 'CHANNEL_NOT_EMPTY' });
      expect(await admin().call(method.deleteTopic, { ...all, dryRun: true })).toMatchObject(counts);
      expect(await admin().call(method.deleteTopic, all)).toMatchObject(counts);
      const { topics } = await admin().call(method.listTopics, { prefix: topic });
      expect(topics).toEqual([]);
      const { timelines } = await admin().call(method.getMessage, { topic, id: 'late' });
      expect(timelines[0]?.record?.state).toBe(MessageState.CANCELLED);
    });
  });
}
