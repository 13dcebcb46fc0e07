import { Admin } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import type { Refusal } from '../../bad-input/error-info.js';
import type { AdminClient } from '../../support/admin-client.js';
import { until } from '../../support/until.js';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;
const FOLLOW_MS = 8_000;

export function adminGateways(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2 });
  const admin = useAdmin(bus);

  test('every gateway is listed, with the shards that it looks after', async () => {
    await until(async () => {
      const { nodes } = await admin().call(method.listNodes, {});
      expect(nodes).toHaveLength(bus.nodes);
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(bus.nodes);
      expect(nodes.every(({ engine: own, version }) => own === engine.name && /^\d+\.\d+\.\d+/.test(version))).toBe(
        true,
      );
      expect(nodes.flatMap(({ shards }) => shards).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 64 }, (_, i) => i),
      );
    }, 40_000);
  });

  test('totals and depths tell what was done, over all gateways', async () => {
    const topic = bus.topic('figures');
    const before = (await admin().call(method.getStats, {})).stats;
    const consumer = await bus.client(1).subscribe(topic, 'c');
    await bus.client().publish([{ topic }, { topic }, { topic, delayMs: 3_600_000, id: 'late' }]);
    const received = await consumer.take(2);
    await consumer.ack(received.map(({ receipt }) => receipt));
    await until(async () => {
      const { stats } = await admin().call(method.getStats, {});
      const gained = (kind: 'published' | 'delivered' | 'acked') =>
        Number((stats?.totals?.[kind] ?? 0n) - (before?.totals?.[kind] ?? 0n));
      expect([gained('published'), gained('delivered'), gained('acked')]).toEqual([3, 2, 2]);
      expect(stats?.nodes).toBe(bus.nodes);
      expect(Number(stats?.depths?.scheduled)).toBeGreaterThanOrEqual(1);
      expect(stats?.rates?.acked).toBeGreaterThan(0);
    }, FOLLOW_MS);
    await bus.client().cancel(topic, 'late');
    await consumer.close();
    const unknown = await admin().refusal(method.getStats, { node: 'nobody' });
    expect(unknown).toMatchObject({ code: 'INVALID_ARGUMENT', metadata: { field: 'node' } });
  });

  test('figures come again and again', async () => {
    const seen = await admin().watch(3, 250);
    const times = seen.map(({ timeMs }) => Number(timeMs));
    expect(times).toHaveLength(3);
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(400);
  });

  test('what operators did is on record, newest first', async () => {
    const topic = bus.topic('audited');
    await admin().call(method.createChannel, { topic, channel: 'c' });
    await admin().call(method.pauseChannel, { topic, channel: 'c' });
    await admin(1).call(method.resumeChannel, { topic, channel: 'c' });
    const target = `${topic}/c`;
    const entries = [];
    let pageToken = '';
    do {
      const page = await admin().call(method.listAudit, { pageSize: 2, pageToken });
      entries.push(...page.entries);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    const own = entries.filter((entry) => entry.target === target);
    expect(own.map(({ action, count }) => [action, count])).toEqual([
      ['ResumeChannel', 1n],
      ['PauseChannel', 1n],
      ['CreateChannel', 1n],
    ]);
    expect(own.every(({ actor, node }) => actor !== '' && node !== '')).toBe(true);
  });

  describe('refuses', () => {
    test.each<[string, (by: AdminClient) => Promise<Refusal>, string, string]>([
      [
        'a page that is too large',
        (by) => by.refusal(method.listChannels, { pageSize: 1_001 }),
        'PAGE_INVALID',
        'page_size',
      ],
      ['a page of less than none', (by) => by.refusal(method.listDead, { pageSize: -1 }), 'PAGE_INVALID', 'page_size'],
      [
        'a token of nobody',
        (by) => by.refusal(method.listTopics, { pageToken: 'hello' }),
        'PAGE_INVALID',
        'page_token',
      ],
      ['a topic with a space', (by) => by.refusal(method.getTopic, { topic: 'a b' }), 'TOPIC_INVALID', 'topic'],
      [
        'a channel that is empty',
        (by) => by.refusal(method.pauseChannel, { topic: 't', channel: '' }),
        'CHANNEL_INVALID',
        'channel',
      ],
      ['a state that is none', (by) => by.refusal(method.findMessages, { states: [0] }), 'QUERY_INVALID', 'states[0]'],
      ['delayed ones by time', (by) => by.refusal(method.findMessages, { states: [1] }), 'QUERY_INVALID', 'states[0]'],
      ['an id with a space', (by) => by.refusal(method.getMessage, { id: 'a b' }), 'ID_INVALID', 'id'],
      [
        'a time before all times',
        (by) => by.refusal(method.listAudit, { afterTimeMs: -1n }),
        'QUERY_INVALID',
        'after_time_ms',
      ],
      [
        'ids without a topic',
        (by) => by.refusal(method.redrive, { query: { ids: ['a'] } }),
        'QUERY_INVALID',
        'query.topic',
      ],
      ['a redrive of too many', (by) => by.refusal(method.redrive, { limit: 1_000_001 }), 'QUERY_INVALID', 'limit'],
      ['a negative rate', (by) => by.refusal(method.redrive, { maxPerSecond: -1 }), 'QUERY_INVALID', 'max_per_second'],
      [
        'a purge of nothing',
        (by) => by.refusal(method.purgeChannel, { topic: 't', channel: 'c' }),
        'QUERY_INVALID',
        'ready',
      ],
    ])('%s, naming field and limit', async (_, refused, reason, field) => {
      const refusal = await refused(admin());
      expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason, metadata: { field } });
      expect(refusal.message).toContain(field.split('.').at(-1));
      expect(refusal.metadata.limit ?? '').not.toBe('');
    });

    test('a channel that there is not', async () => {
      const request = { topic: bus.topic('none'), channel: 'c' };
      const refused = { code: 'NOT_FOUND', reason: 'CHANNEL_NOT_FOUND' };
      expect(await admin().refusal(method.getChannel, request)).toMatchObject(refused);
      expect(await admin().refusal(method.pauseChannel, request)).toMatchObject(refused);
      expect(await admin().refusal(method.deleteChannel, request)).toMatchObject(refused);
      expect(await admin().refusal(method.getMessage, { id: 'nobody-has-this' })).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'MESSAGE_NOT_FOUND',
      });
    });
  });
}
