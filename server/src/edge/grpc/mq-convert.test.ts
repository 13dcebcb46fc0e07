import { create, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, test } from 'vitest';
import { BusError } from '../../model/errors.js';
import { openMessage, seal } from '../../model/message-codec.js';
import { type MqPublish, toData, toIncoming } from './mq-convert.js';

const PUBLISH: MqPublish = { name: 'q', nameField: 'queue', data: 'x', delaySeconds: 0n, expirationSeconds: 0n };
const LIMIT = 4_096;
const TEN_YEARS = 315_360_000n;

const incoming = (more: Partial<MqPublish>) => toIncoming({ ...PUBLISH, ...more }, LIMIT);

describe('a publish of event-bus', () => {
  test('becomes a message of the bus, and its data comes out as it went in', () => {
    const data = 'grüße 🚀\u0000';
    expect(toData(seal(incoming({ data }), 'id', 5))).toBe(data);
  });

  test('expires so long after it is due', () => {
    expect(incoming({ expirationSeconds: 3n })).toMatchObject({ delayMs: 0, ttlMs: 3_000 });
    expect(incoming({ delaySeconds: 2n, expirationSeconds: 3n })).toMatchObject({ delayMs: 2_000, ttlMs: 5_000 });
    expect(incoming({ delaySeconds: 2n })).toMatchObject({ delayMs: 2_000, ttlMs: 0 });
  });

  test.each<[Partial<MqPublish>, string, string]>([
    [{ name: '' }, 'QUEUE_OR_DATA_EMPTY', 'queue'],
    [{ data: '' }, 'QUEUE_OR_DATA_EMPTY', 'data'],
    [{ name: 'a b' }, 'TOPIC_INVALID', 'queue'],
    [{ name: 'a b', nameField: 'topic' }, 'TOPIC_INVALID', 'topic'],
    [{ data: 'é'.repeat(LIMIT / 2) }, 'BODY_TOO_LARGE', 'data'],
    [{ delaySeconds: TEN_YEARS + 1n }, 'DELAY_INVALID', 'delaySeconds'],
    [{ delaySeconds: 2n ** 64n - 1n }, 'DELAY_INVALID', 'delaySeconds'],
    [{ expirationSeconds: TEN_YEARS + 1n }, 'TTL_INVALID', 'ExpirationSeconds'],
    [{ delaySeconds: TEN_YEARS, expirationSeconds: 1n }, 'TTL_INVALID', 'ExpirationSeconds'],
  ])('%# is refused, naming the field', (more, reason, field) => {
    expect(() => incoming(more)).toThrow(expect.objectContaining({ reason, field }));
    expect(() => incoming(more)).toThrow(BusError);
  });
});

test('a body that is no UTF-8 is no data', () => {
  const message = create(MessageSchema, { id: 'i', topic: 't', body: Uint8Array.of(0xff) });
  expect(toData(openMessage(Buffer.from(toBinary(MessageSchema, message))))).toBeUndefined();
});
