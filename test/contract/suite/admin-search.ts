import { setTimeout as delay } from 'node:timers/promises';
import { Admin, AttemptOutcome, type MessageRecord, MessageState } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import { fixedRetry } from '../../support/client-types.js';
import { until } from '../../support/until.js';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;

export function adminSearch(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { SearchHeaders: 'x-order-id, traceparent' } });
  const admin = useAdmin(bus);

  const find = async (query: object, pageSize = 100) => {
    const found: MessageRecord[] = [];
    let pageToken = '';
    do {
      const page = await admin(1).call(method.findMessages, { ...query, pageSize, pageToken });
      found.push(...page.messages);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return found;
  };

  describe('by key', () => {
    test('finds what was acked, died, was leased and waits, and nothing else', async () => {
      const topic = bus.topic('keys');
      const key = `order of ${topic} ü`;
      const consumer = await bus.client().subscribe(topic, 'c');
      await bus.client().publish([
        { topic, id: 'acked', key },
        { topic, id: 'dead', key },
        { topic, id: 'other', key: `${key}.` },
        { topic, id: 'none' },
        { topic, id: 'late', key, delayMs: 3_600_000 },
      ]);
      const received = await consumer.take(4);
      const receipt = (id: string) => received.find((one) => one.id === id)?.receipt ?? '';
      await consumer.ack([receipt('acked'), receipt('other'), receipt('none')]);
      await bus.client().reject([receipt('dead')], 'no');
      await consumer.close();
      await bus.client().publishOne({ topic, id: 'pulled', key });
      const [pulled] = await bus.client().pull(topic, 'c');

      const states = Object.fromEntries((await find({ key })).map(({ id, state }) => [id, state]));
      expect(states).toEqual({
        acked: MessageState.ACKED,
        dead: MessageState.DEAD,
        late: MessageState.DELAYED,
        pulled: MessageState.LEASED,
      });
      expect((await find({ key, topic: `${topic}.b` })).map(({ id }) => id)).toEqual([]);
      expect((await find({ key, states: [MessageState.DEAD] })).map(({ id }) => id)).toEqual(['dead']);
      expect((await find({ key, states: [MessageState.DELAYED] })).map(({ id }) => id)).toEqual(['late']);
      expect((await find({ key, channel: 'c' })).map(({ id }) => id).toSorted()).toEqual(['acked', 'dead', 'pulled']);
      expect((await find({ key, channel: 'nobody' })).map(({ id }) => id)).toEqual([]);
      expect((await find({ key })).every((record) => record.key === key)).toBe(true);
      expect((await find({ topic })).find(({ id }) => id === 'none')?.key).toBe('');

      await bus.client().ack([pulled?.receipt ?? '']);
      await bus.client().cancel(topic, 'late');
      expect((await find({ key, states: [MessageState.CANCELLED] })).map(({ id }) => id)).toEqual(['late']);
    });

    test('finds a delayed message once: as what waits, and then as what was delivered', async () => {
      const topic = bus.topic('moved');
      const consumer = await bus.client().subscribe(topic, 'c');
      await bus.client().publishOne({ topic, id: 'm', key: topic, delayMs: 300 });
      expect(await find({ key: topic })).toMatchObject([{ id: 'm', channel: '', state: MessageState.DELAYED }]);
      await consumer.ack([(await consumer.next()).receipt]);
      await until(async () => {
        expect(await find({ key: topic })).toMatchObject([{ id: 'm', channel: 'c', state: MessageState.ACKED }]);
      }, 10_000);
      await consumer.close();
    });

    test('goes page by page, the last accepted first, on every channel', async () => {
      const topic = bus.topic('pages');
      const ids: string[] = [];
      const consumers = await Promise.all(['a', 'b'].map((channel) => bus.client().subscribe(topic, channel)));
      for (let i = 0; i < 5; i++) {
        ids.push((await bus.client().publishOne({ topic, key: topic })).id);
        for (const consumer of consumers) await consumer.ack([(await consumer.next()).receipt]);
        await delay(2);
      }
      const found = await find({ key: topic }, 3);
      expect(found.map(({ id }) => id)).toEqual(ids.toReversed().flatMap((id) => [id, id]));
      expect(new Set(found.map(({ id, channel }) => `${id}/${channel}`)).size).toBe(10);
      const middle = found.find(({ id }) => id === ids[2])?.settleTimeMs ?? 0n;
      const window = await find({ key: topic, channel: 'a', beforeTimeMs: middle + 1n });
      expect(window.length).toBeLessThan(5);
      await Promise.all(consumers.map((consumer) => consumer.close()));
    });
  });

  describe('by state and topic', () => {
    const PARKED = [MessageState.PARKED];

    test('finds what is parked, page by page, the last accepted first, until a channel takes it', async () => {
      const topic = bus.topic('parked');
      const early = ['a', 'b', 'c'].map((id) => ({ topic, id, key: `key of ${id}` }));
      // Of one call, and so of one time.
      await bus.client().publish(early);
      await delay(2);
      await bus.client().publish([
        { topic, id: 'last' },
        { topic, id: 'late', delayMs: 3_600_000 },
        { topic: `${topic}.b`, id: 'elsewhere' },
      ]);
      for (const size of [1, 2, 100]) {
        const found = await find({ topic, states: PARKED }, size);
        expect(found.map(({ id }) => id).slice(0, 1)).toEqual(['last']);
        expect(found.map(({ id }) => id).toSorted()).toEqual(['a', 'b', 'c', 'last']);
        expect(new Set(found.map(({ state, channel }) => `${state}/${channel}`))).toEqual(
          new Set([`${MessageState.PARKED}/`]),
        );
      }
      const [a] = await find({ topic, states: PARKED, id: 'a' });
      expect((await find({ topic, states: PARKED })).find(({ id }) => id === 'a')).toEqual(a);
      expect(await find({ topic, states: PARKED, channel: 'c' })).toEqual([]);
      expect(await find({ topic, states: PARKED, afterTimeMs: 1n })).toEqual([]);
      expect(await find({ topic: `${topic}.c`, states: PARKED })).toEqual([]);

      const consumer = await bus.client().subscribe(topic, 'c');
      const received = await consumer.take(4);
      await consumer.ack(received.map(({ receipt }) => receipt));
      await until(async () => expect(await find({ topic, states: PARKED })).toEqual([]), 10_000);
      await consumer.close();
    });

    test.each([
      ['what is parked without a topic', { states: PARKED }],
      ['what is parked among others', { topic: 't', states: [MessageState.DEAD, ...PARKED] }],
      ['what is delayed', { topic: 't', states: [MessageState.DELAYED] }],
    ])('refuses %s', async (_what, query) => {
      expect(await admin().refusal(method.findMessages, query)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'QUERY_INVALID',
        metadata: { field: `states[${query.states.length - 1}]` },
      });
    });
  });

  describe('by header', () => {
    test('finds a message by each header of the config, and by no other', async () => {
      const topic = bus.topic('headers');
      const value = `4711-${topic}`;
      const consumer = await bus.client().subscribe(topic, 'c');
      await bus.client().publish([
        { topic, id: 'both', headers: { 'x-order-id': value, traceparent: `00-${topic}`, other: value } },
        { topic, id: 'neither', headers: { other: value } },
      ]);
      const received = await consumer.take(2);
      await consumer.ack(received.map(({ receipt }) => receipt));
      const ids = async (headerName: string, headerValue: string) =>
        (await find({ headerName, headerValue })).map(({ id }) => id);
      expect(await ids('x-order-id', value)).toEqual(['both']);
      expect(await ids('traceparent', `00-${topic}`)).toEqual(['both']);
      expect(await ids('x-order-id', `00-${topic}`)).toEqual([]);
      // A header is not a key.
      expect(await find({ key: value })).toEqual([]);
      expect(await admin().refusal(method.findMessages, { headerName: 'other', headerValue: value })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'QUERY_INVALID',
        metadata: { field: 'header_name' },
      });
      await consumer.close();
    });

    test('finds a long value by all of it, and by its beginning', async () => {
      const topic = bus.topic('long');
      const value = `${topic}${'x'.repeat(500)}`;
      const consumer = await bus.client().subscribe(topic, 'c');
      await bus.client().publishOne({ topic, id: 'm', headers: { 'x-order-id': value } });
      await consumer.ack([(await consumer.next()).receipt]);
      for (const headerValue of [value, value.slice(0, 128)]) {
        expect(await find({ headerName: 'x-order-id', headerValue })).toHaveLength(1);
      }
      await consumer.close();
    });
  });

  test.each([
    ['a key and an id', { key: 'k', id: 'm' }, 'id'],
    ['a key and a header', { key: 'k', headerName: 'x-order-id', headerValue: 'v' }, 'key'],
    ['a value without a name', { headerValue: 'v' }, 'header_name'],
    ['a key that none can be', { key: 'k'.repeat(129) }, 'key'],
  ])('refuses %s', async (_, query, field) => {
    const refusal = await admin().refusal(method.findMessages, query);
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'QUERY_INVALID', metadata: { field } });
  });

  describe('one message', () => {
    test('tells which gateway had each attempt', async () => {
      const topic = bus.topic('nodes');
      const { nodes } = await admin().call(method.listNodes, {});
      const names = new Set(nodes.map(({ name }) => name));
      const first = await bus.client(0).subscribe(topic, 'c', { retry: fixedRetry(5, 10) });
      const { id } = await bus.client().publishOne({ topic });
      await first.nack([(await first.next()).receipt]);
      await first.close();
      const second = await bus.client(1).subscribe(topic, 'c');
      await second.ack([(await second.next()).receipt]);
      const { timelines } = await admin().call(method.getMessage, { topic, id });
      const attempts = timelines[0]?.attempts ?? [];
      expect(attempts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        [AttemptOutcome.RETRY, ''],
        [AttemptOutcome.ACKED, ''],
      ]);
      expect(attempts.every(({ node }) => names.has(node))).toBe(true);
      expect(new Set(attempts.map(({ node }) => node)).size).toBe(bus.nodes > 1 ? 2 : 1);
      expect(timelines[0]?.record?.node).toBe(attempts[1]?.node);
      await second.close();
    });

    test('keeps the gateway that leased it when another settles it', async () => {
      const topic = bus.topic('settled-elsewhere');
      const pulling = bus.client(0).pull(topic, 'c', { waitMs: 20_000 });
      const { id } = await bus.client().publishOne({ topic });
      const [pulled] = await pulling;
      const before = await admin().call(method.getMessage, { topic, id });
      await bus.client(1).ack([pulled?.receipt ?? '']);
      const after = await admin().call(method.getMessage, { topic, id });
      expect(before.timelines[0]?.record?.node).not.toBe('');
      expect(after.timelines[0]?.record).toMatchObject({
        state: MessageState.ACKED,
        node: before.timelines[0]?.record?.node,
      });
    });

    test('brings any bytes, no more of them than are asked for, from the channel that is asked for', async () => {
      const topic = bus.topic('bodies');
      const body = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 256));
      for (const channel of ['c', 'idle']) await admin().call(method.createChannel, { topic, channel });
      const pulling = bus.client().pull(topic, 'c', { waitMs: 20_000 });
      const { id } = await bus.client().publishOne({ topic, body, headers: { h: 'v' } });
      const [pulled] = await pulling;
      const whole = await admin().call(method.getMessage, { topic, id });
      expect(Buffer.from(whole.message?.body ?? []).equals(body)).toBe(true);
      expect(whole).toMatchObject({ bodyBytes: 1_000n, message: { headers: { h: 'v' } } });
      expect(whole.timelines).toMatchObject([{ held: true }]);
      const part = await admin().call(method.getMessage, { topic, id, maxBodyBytes: 10 });
      expect([part.message?.body.length, part.bodyBytes]).toEqual([10, 1_000n]);
      const own = await admin().call(method.getMessage, { topic, id, channel: 'c' });
      expect(own.message?.body).toHaveLength(1_000);
      expect((await admin().call(method.getMessage, { topic, id, channel: 'idle' })).message).toBeUndefined();
      const refused = { topic, id, maxBodyBytes: -1 };
      expect(await admin().refusal(method.getMessage, refused)).toMatchObject({
        metadata: { field: 'max_body_bytes' },
      });
      await bus.client().ack([pulled?.receipt ?? '']);
      expect((await admin().call(method.getMessage, { topic, id })).timelines).toMatchObject([{ held: false }]);
    });
  });
}
