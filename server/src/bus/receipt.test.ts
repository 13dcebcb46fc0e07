import { describe, expect, test } from 'vitest';
import { Random } from '../fixture/random.js';
import type { Channel, ChannelId } from '../model/channel.js';
import { formatReceipt, parseReceipt, receiptNonce } from './receipt.js';

const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('');

function channel(topic: string, id = 7): Channel {
  return { id: id as ChannelId, topic, name: 'billing', retry: undefined };
}

function message(topic: string, id: string) {
  return { topic, id, key: '', acceptedAt: 0, expiresAt: 0, wire: Buffer.alloc(0) };
}

describe('a receipt', () => {
  test.each([
    ['orders', 'orders', 'a'],
    ['orders.*', 'orders.created', 'a'],
    ['#', 'a-b-c', '-'],
    ['a-b', 'a-b', '-1-2-3-'],
    ['orders', 'orders', '/'],
    ['orders.#', 'orders', 'a/b-c/d'],
    ['orders', 'orders', VISIBLE],
  ])('of channel %s, topic %s and id %s says all that a gateway must know', (pattern, topic, id) => {
    for (const kind of ['streamed', 'leased'] as const) {
      const text = formatReceipt(kind, channel(pattern), 3, 2 ** 53 - 1, message(topic, id));
      const named = topic === pattern ? '' : topic;
      expect(parseReceipt(text)).toEqual({ kind, channel: 7, attempt: 3, nonce: 2 ** 53 - 1, topic: named, id });
      expect(receiptNonce(text)).toBe(2 ** 53 - 1);
    }
  });

  test('is read back for any name, id and number', () => {
    const random = new Random(8);
    for (let i = 0; i < 5_000; i++) {
      const topic = random.text('ab-.:@_9', 1 + random.below(128));
      const id = random.text(VISIBLE, 1 + random.below(128));
      const nonce = random.below(2 ** 21) * 2 ** 32 + random.below(2 ** 32);
      const attempt = 1 + random.below(1_001);
      const text = formatReceipt('streamed', channel('#', 1 + random.below(1e6)), attempt, nonce, message(topic, id));
      expect(parseReceipt(text)).toMatchObject({ attempt, nonce, topic, id });
      expect(receiptNonce(text)).toBe(nonce);
    }
  });

  test.each([
    '',
    '-',
    'hello',
    '{}',
    's1-1-1-/',
    's1-1-1-orders',
    'x1-1-1-orders/a',
    's-1-1-orders/a',
    's1--1-orders/a',
    's1-1--orders/a',
    'S1-1-1-orders/a',
    's1-1-1-or ders/a',
    's1-1-1-orders/a b',
    's1-1-1-orders/ä',
    's1-1-1-orders/a\n',
    's1-1-zzzzzzzzzzz-orders/a',
    's1-1-1-orders/'.padEnd(400, 'a'),
    `s1-1-1-${'t'.repeat(129)}/a`,
    '-'.repeat(10_000),
    '\0',
  ])('is not "%s"', (text) => {
    expect(parseReceipt(text)).toBeUndefined();
    expect(() => receiptNonce(text)).not.toThrow();
  });
});
