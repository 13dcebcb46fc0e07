import { create } from '@bufbuild/protobuf';
import { DeadLetterSchema } from '@waybill/proto/waybill/v1/admin';
import { expect, test } from 'vitest';
import { queriesOf, queryFrom, queryText } from './query.js';

test('the URL becomes a query', () => {
  expect(
    queryFrom({ topic: 'orders', ids: 'one, two  three', reason: 'mailbox', after: '2026-01-31T00:00:00Z' }),
  ).toEqual({
    topic: 'orders',
    channel: '',
    ids: ['one', 'two', 'three'],
    reasonContains: 'mailbox',
    afterTimeMs: 1_769_817_600_000n,
    beforeTimeMs: 0n,
  });
});

test('a selection becomes one query for each channel, so that no other copy is hit', () => {
  const letters = [
    ['orders', 'mail', 'one'],
    ['orders', 'billing', 'one'],
    ['orders', 'mail', 'two'],
  ].map(([topic = '', channel = '', id = '']) => create(DeadLetterSchema, { topic, channel, id }));
  expect(queriesOf(letters)).toEqual([
    { topic: 'orders', channel: 'mail', ids: ['one', 'two'] },
    { topic: 'orders', channel: 'billing', ids: ['one'] },
  ]);
});

test('a question names what it hits, above all when that is everything', () => {
  expect(queryText({})).toBe('all dead letters of this bus');
  expect(queryText({ topic: 'orders', reason: 'timeout' })).toBe(
    'dead letters of the topic orders, with “timeout” in the reason',
  );
});
