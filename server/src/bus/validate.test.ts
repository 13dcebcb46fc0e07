import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, test } from 'vitest';
import { incoming } from '../fixture/incoming.js';
import { BusError } from '../model/errors.js';
import { MAX_DELAY_MS } from '../model/message.js';
import { MessageRules } from './validate.js';

const NOW = 1_800_000_000_000;
const TEN_YEARS = BigInt(MAX_DELAY_MS);

function check(init: MessageInitShape<typeof MessageSchema>): number | BusError {
  try {
    return new MessageRules(1_000).check(incoming({ topic: 'orders', ...init }), 'messages[3]', NOW);
  } catch (error) {
    if (error instanceof BusError) return error;
    throw error;
  }
}

const headers = (count: number, size = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 'v'.repeat(size)]));

describe('the rules for messages', () => {
  test.each([
    ['no id', {}],
    ['the longest id', { id: 'i'.repeat(128) }],
    ['any visible id', { id: '~!/-"' }],
    ['the longest topic', { topic: 't'.repeat(128) }],
    ['the longest key', { key: 'k'.repeat(128) }],
    ['a key of characters that take more than one unit', { key: '😀'.repeat(128) }],
    ['the largest body', { body: new Uint8Array(1_000) }],
    ['the most headers', { headers: headers(64) }],
    ['the longest name of a header', { headers: { ['n'.repeat(128)]: '' } }],
    // Each entry has two tags and two lengths besides its name and value.
    ['headers of the largest size', { headers: { n: 'v'.repeat(16_384 - 7 + 1) } }],
    ['the longest ttl', { ttlMs: TEN_YEARS }],
  ])('take %s', (_, init) => {
    expect(check(init)).toBe(0);
  });

  test.each([
    ['the shortest delay', { delayMs: 1n }, NOW + 1],
    ['the longest delay', { delayMs: TEN_YEARS }, NOW + MAX_DELAY_MS],
    ['a due time', { dueTimeMs: BigInt(NOW + 5) }, NOW + 5],
    ['the last due time', { dueTimeMs: BigInt(NOW) + TEN_YEARS }, NOW + MAX_DELAY_MS],
    ['a due time that has passed', { dueTimeMs: BigInt(NOW - 5) }, 0],
    ['a due time of now', { dueTimeMs: BigInt(NOW) }, 0],
    ['a ttl that is longer than the delay', { delayMs: 10n, ttlMs: 11n }, NOW + 10],
    ['a ttl beside a due time that has passed', { dueTimeMs: 5n, ttlMs: 1n }, 0],
  ])('take %s', (_, init, dueAt) => {
    expect(check(init)).toBe(dueAt);
  });

  test.each([
    ['no topic', { topic: '' }, 'TOPIC_INVALID', 'topic'],
    ['a topic that is too long', { topic: 't'.repeat(129) }, 'TOPIC_INVALID', 'topic'],
    ['a pattern as a topic', { topic: 'orders.*' }, 'TOPIC_INVALID', 'topic'],
    ['an id that is too long', { id: 'i'.repeat(129) }, 'ID_INVALID', 'id'],
    ['an id with a space', { id: 'a b' }, 'ID_INVALID', 'id'],
    ['an id that is not ASCII', { id: 'ä' }, 'ID_INVALID', 'id'],
    ['a key that is too long', { key: 'k'.repeat(129) }, 'KEY_INVALID', 'key'],
    ['a body that is too large', { body: new Uint8Array(1_001) }, 'BODY_TOO_LARGE', 'body'],
    ['too many headers', { headers: headers(65) }, 'HEADER_INVALID', 'headers'],
    ['a header without a name', { headers: { '': 'v' } }, 'HEADER_INVALID', 'headers'],
    ['a name of a header that is too long', { headers: { ['n'.repeat(129)]: '' } }, 'HEADER_INVALID', 'headers'],
    ['headers that are too large', { headers: headers(2, 8_200) }, 'HEADER_INVALID', 'headers'],
    ['a delay that is too long', { delayMs: TEN_YEARS + 1n }, 'DELAY_INVALID', 'delay_ms'],
    ['a due time too far ahead', { dueTimeMs: BigInt(NOW) + TEN_YEARS + 1n }, 'DELAY_INVALID', 'due_time_ms'],
    ['both delay and due time', { delayMs: 1n, dueTimeMs: 1n }, 'DELAY_INVALID', 'due_time_ms'],
    ['a ttl that is too long', { ttlMs: TEN_YEARS + 1n }, 'TTL_INVALID', 'ttl_ms'],
    ['a ttl as long as the delay', { delayMs: 10n, ttlMs: 10n }, 'TTL_INVALID', 'ttl_ms'],
    ['a ttl that ends before the due time', { dueTimeMs: BigInt(NOW + 10), ttlMs: 9n }, 'TTL_INVALID', 'ttl_ms'],
    ['a delay far below zero', { delayMs: -(2n ** 62n) }, 'DELAY_INVALID', 'delay_ms'],
    ['a ttl far below zero', { ttlMs: -(2n ** 62n) }, 'TTL_INVALID', 'ttl_ms'],
  ])('refuse %s', (_, init, reason, field) => {
    const error = check(init);
    expect(error).toMatchObject({ reason, field: `messages[3].${field}` });
    expect(error).toHaveProperty('limit', expect.any(String));
  });

  test('tell a topic that was seen from one that only looks like it', () => {
    const rules = new MessageRules(1_000);
    for (let i = 0; i < 3; i++) {
      expect(rules.check(incoming({ topic: 'orders' }), 'm', NOW)).toBe(0);
      expect(() => rules.check(incoming({ topic: 'orders*' }), 'm', NOW)).toThrow(BusError);
    }
  });

  test('go on knowing topics after more than they remember', () => {
    const rules = new MessageRules(1_000);
    for (let i = 0; i < 10_500; i++) rules.check(incoming({ topic: `t${i}` }), 'm', NOW);
    expect(rules.check(incoming({ topic: 't1' }), 'm', NOW)).toBe(0);
  });
});
