import { Admin, MessageState } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;
const HOUR_MS = 3_600_000;

export function adminChanges(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { SearchHeaders: 'x-order-id' } });
  const admin = useAdmin(bus);

  /** One dead letter on channel `c`. */
  const kill = async (topic: string, message: object = {}) => {
    const consumer = await bus.client().subscribe(topic, 'c');
    const { id } = await bus.client().publishOne({ topic, body: 'wrong', headers: { a: '1', b: '2' }, ...message });
    await bus.client().reject([(await consumer.next()).receipt], 'cannot be read');
    await consumer.close();
    return id;
  };

  const audited = async (action: string, part: string) => {
    const { entries } = await admin().call(method.listAudit, { pageSize: 1_000 });
    return entries.filter((entry) => entry.action === action && entry.target.includes(part));
  };

  describe('a dead letter', () => {
    test('that is edited is delivered as it is then, with the same id and key', async () => {
      const topic = bus.topic('edited');
      const id = await kill(topic, { key: 'k' });
      const body = Buffer.from([0, 255, 128, 10]);
      const edit = { topic, id, channel: 'c', body, setHeaders: { b: 'two', c: '3' }, removeHeaders: ['a', 'nobody'] };
      const { dead } = await admin(1).call(method.editDead, edit);
      expect(dead).toMatchObject({ id, topic, channel: 'c', key: 'k', bodyBytes: 4n, reason: 'cannot be read' });
      const { message } = await admin().call(method.getMessage, { topic, id });
      expect(message?.headers).toEqual({ b: 'two', c: '3' });
      await admin().call(method.redrive, { query: { topic } });
      const consumer = await bus.client().subscribe(topic, 'c');
      const again = await consumer.next();
      expect(again).toMatchObject({ id, key: 'k', attempt: 1, headers: { b: 'two', c: '3' } });
      expect(again.body.equals(body)).toBe(true);
      await consumer.ack([again.receipt]);
      await consumer.close();
    });

    test('keeps what is not edited, and may be given an empty body', async () => {
      const topic = bus.topic('partly');
      const id = await kill(topic);
      await admin().call(method.editDead, { topic, id, channel: 'c', setHeaders: { c: '3' } });
      const kept = await admin().call(method.getMessage, { topic, id });
      expect(Buffer.from(kept.message?.body ?? []).toString()).toBe('wrong');
      expect(kept.message?.headers).toEqual({ a: '1', b: '2', c: '3' });
      await admin().call(method.editDead, { topic, id, channel: 'c', body: Buffer.of() });
      expect((await admin().call(method.getMessage, { topic, id })).bodyBytes).toBe(0n);
    });

    test('is found by its new headers, and by the old ones no more', async () => {
      const topic = bus.topic('refiled');
      const id = await kill(topic, { headers: { 'x-order-id': `old-${topic}` }, key: topic });
      await admin().call(method.editDead, { topic, id, channel: 'c', setHeaders: { 'x-order-id': `new-${topic}` } });
      const find = async (query: object) => (await admin().call(method.findMessages, query)).messages;
      expect(await find({ headerName: 'x-order-id', headerValue: `old-${topic}` })).toEqual([]);
      expect(await find({ headerName: 'x-order-id', headerValue: `new-${topic}` })).toMatchObject([{ id }]);
      expect(await find({ key: topic })).toMatchObject([{ id }]);
    });

    test('leaves a line in the audit log that tells what was changed, and no values', async () => {
      const topic = bus.topic('audited');
      const id = await kill(topic);
      await admin().call(method.editDead, {
        topic,
        id,
        channel: 'c',
        body: Buffer.from('secret body'),
        setHeaders: { token: 'secret value' },
        removeHeaders: ['a'],
      });
      const [line] = await audited('EditDead', id);
      expect(line?.target).toBe(
        `${topic}/c ${topic}/${id}: body of 11 bytes, header token set, header a removed (5 bytes before)`,
      );
      expect(line?.actor).not.toBe('');
      expect(line?.target).not.toContain('secret');
    });

    test('on another channel stays as it was', async () => {
      const topic = bus.topic('apart');
      const consumers = await Promise.all(['c', 'd'].map((channel) => bus.client().subscribe(topic, channel)));
      const { id } = await bus.client().publishOne({ topic, body: 'same' });
      for (const consumer of consumers) await bus.client().reject([(await consumer.next()).receipt], 'no');
      await admin().call(method.editDead, { topic, id, channel: 'c', body: Buffer.from('new') });
      const bodyOf = async (channel: string) => {
        const { message } = await admin().call(method.getMessage, { topic, id, channel });
        return Buffer.from(message?.body ?? []).toString();
      };
      expect([await bodyOf('c'), await bodyOf('d')]).toEqual(['new', 'same']);
      await Promise.all(consumers.map((consumer) => consumer.close()));
    });

    test('is edited by one of many at a time, and no edit is lost', async () => {
      const topic = bus.topic('crowd');
      const id = await kill(topic, { headers: {} });
      const edits = Array.from({ length: 8 }, (_, i) => ({ topic, id, channel: 'c', setHeaders: { [`h${i}`]: 'x' } }));
      const outcomes = await Promise.allSettled(edits.map((edit, i) => admin(i).call(method.editDead, edit)));
      const done = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`h${i}`] : []));
      const { message } = await admin().call(method.getMessage, { topic, id });
      expect(done.length).toBeGreaterThan(0);
      expect(Object.keys(message?.headers ?? {}).toSorted()).toEqual(done.toSorted());
    });

    test.each([
      ['nothing', {}, 'QUERY_INVALID', 'body'],
      ['an unknown channel', { channel: 'nobody', body: Buffer.of(1) }, 'CHANNEL_NOT_FOUND', undefined],
      ['too many headers', { setHeaders: headers(70) }, 'HEADER_INVALID', 'message.headers'],
      ['a header without a name', { setHeaders: { '': 'x' } }, 'HEADER_INVALID', 'message.headers'],
      [
        'a header that is set and removed',
        { setHeaders: { x: '1' }, removeHeaders: ['x'] },
        'HEADER_INVALID',
        'remove_headers',
      ],
    ])('is refused an edit of %s', async (_, edit, reason, field) => {
      const topic = bus.topic('refused');
      const id = await kill(topic);
      const refusal = await admin().refusal(method.editDead, { topic, id, channel: 'c', ...edit });
      expect(refusal.reason).toBe(reason);
      if (field !== undefined) expect(refusal.metadata).toMatchObject({ field });
    });

    test('that was redriven is none any more', async () => {
      const topic = bus.topic('too-late');
      const id = await kill(topic);
      await admin().call(method.redrive, { query: { topic } });
      const edit = { topic, id, channel: 'c', body: Buffer.of(1) };
      expect(await admin().refusal(method.editDead, edit)).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'DEAD_NOT_FOUND',
      });
      await bus.client().pull(topic, 'c', { waitMs: 10_000 });
    });

    test('whose time to live is over expires when it is redriven, unless it is told to live', async () => {
      const topic = bus.topic('over');
      const ids = [await kill(topic, { ttlMs: 1_500 }), await kill(topic, { ttlMs: 1_500 })];
      const consumer = await bus.client().subscribe(topic, 'c');
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      await admin().call(method.redrive, { query: { topic, ids: ids.slice(0, 1) } });
      await admin().call(method.redrive, { query: { topic, ids: ids.slice(1) }, dropTtl: true });
      expect(await consumer.next()).toMatchObject({ id: ids[1] });
      await expect
        .poll(async () => {
          const { timelines } = await admin().call(method.getMessage, { topic, id: ids[0] ?? '' });
          return timelines[0]?.record?.state;
        })
        .toBe(MessageState.EXPIRED);
      await consumer.close();
    });
  });

  describe('a delayed message', () => {
    test('is cancelled and rescheduled by an operator, on record', async () => {
      const topic = bus.topic('waiting');
      await bus.client().publish(['gone', 'moved'].map((id) => ({ topic, id, delayMs: HOUR_MS })));
      await admin(1).call(method.cancelScheduled, { topic, id: 'gone' });
      const when = { case: 'delayMs', value: BigInt(2 * HOUR_MS) } as const;
      const before = Date.now();
      const { dueTimeMs } = await admin(1).call(method.rescheduleScheduled, { topic, id: 'moved', when });
      expect(Number(dueTimeMs)).toBeGreaterThanOrEqual(before + 2 * HOUR_MS - 1_000);
      const { scheduled } = await admin().call(method.listScheduled, { topic });
      expect(scheduled).toMatchObject([{ id: 'moved', dueTimeMs }]);
      expect(await audited('CancelScheduled', topic)).toMatchObject([{ target: `${topic}/gone`, count: 1n }]);
      const [line] = await audited('RescheduleScheduled', topic);
      expect(line?.target).toBe(`${topic}/moved to ${new Date(Number(dueTimeMs)).toISOString()}`);
      expect(await admin().refusal(method.cancelScheduled, { topic, id: 'gone' })).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'SCHEDULED_NOT_FOUND',
      });
      // What failed leaves no line.
      expect(await audited('CancelScheduled', topic)).toHaveLength(1);
      await bus.client().cancel(topic, 'moved');
    });
  });
}

function headers(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 'x']));
}
