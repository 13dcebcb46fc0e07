import { Admin, FindMessagesResponseSchema, ListDeadResponseSchema } from '@waybill/proto/waybill/v1/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { BAD_ADMIN_CALLS, BAD_WATCHES, HOSTILE_TEXTS } from './bad-admin-calls.js';
import { NO_PROTOBUF } from './bad-messages.js';
import { refusal } from './error-info.js';
import { answered, bytesOf, RawClient } from './raw-client.js';
import { faultsOf, Witness } from './witness.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
const { method } = Admin;

describe.each(ENGINES)('the Admin service of the %s engine', (engine) => {
  let group: GatewayGroup;
  let witness: Witness;
  let raw: RawClient;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    const gateway = await group.start();
    raw = new RawClient(gateway.rpcUrl);
    witness = await Witness.of(gateway);
  });

  afterAll(async () => {
    raw?.close();
    witness?.close();
    await group?.remove();
  });

  describe('refuses', () => {
    test.each(BAD_ADMIN_CALLS)('$line', async ({ method, request, code, reason, field, limit }) => {
      expect(await raw.unary(method, request)).toEqual(refusal(code, reason, field, limit));
      witness.expectAlive();
    });

    test.each(Admin.methods.filter(({ methodKind }) => methodKind === 'unary'))(
      '$name with bytes that are no protobuf',
      async (method) => {
        for (const bytes of NO_PROTOBUF) {
          expect(await raw.unary(method, bytes)).toEqual(refusal('INVALID_ARGUMENT', 'MALFORMED'));
        }
        witness.expectAlive();
      },
    );

    test.each(BAD_WATCHES)('WatchStats every $intervalMs ms', async ({ intervalMs, code, reason, field, limit }) => {
      const request = bytesOf(method.watchStats.input, { intervalMs });
      expect(await raw.serverStream(method.watchStats, request)).toEqual(refusal(code, reason, field, limit));
    });

    test('WatchStats of a gateway that there is not', async () => {
      const request = bytesOf(method.watchStats.input, { node: 'nobody' });
      const limit = 'the name of a gateway that runs, or nothing';
      const end = await raw.serverStream(method.watchStats, request);
      expect(end).toEqual(refusal('INVALID_ARGUMENT', 'QUERY_INVALID', 'node', limit));
    });
  });

  test.each(HOSTILE_TEXTS)('looks for the text %j, and for nothing else', async (text) => {
    const dead = bytesOf(method.listDead.input, { query: { reasonContains: text } });
    expect(answered(ListDeadResponseSchema, await raw.unary(method.listDead, dead)).dead).toEqual([]);
    const topics = bytesOf(method.listTopics.input, { prefix: text });
    expect(await raw.unary(method.listTopics, topics)).toBeInstanceOf(Buffer);
  });

  test('has not lost or changed a message by any of this', async () => {
    const topic = 'orders.admin';
    await witness.client.makeChannel(topic, 'billing');
    const { id } = await witness.client.publishOne({ topic });
    const [pulled] = await witness.client.pull(topic, 'billing', { waitMs: 10_000 });
    expect(pulled?.id).toBe(id);
    const find = bytesOf(method.findMessages.input, { id, topic, channel: 'billing' });
    const { messages } = answered(FindMessagesResponseSchema, await raw.unary(method.findMessages, find));
    expect(messages).toHaveLength(1);
    witness.expectAlive();
    expect(faultsOf(witness.gateway)).toEqual([]);
  });
});
