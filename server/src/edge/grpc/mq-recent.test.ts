import { expect, test } from 'vitest';
import { RecentReceipts } from './mq-recent.js';

test('a receipt is told until it is settled', () => {
  const recent = new RecentReceipts();
  recent.add('a', 'receipt');
  expect(recent.get('a')).toBe('receipt');
  recent.drop('a');
  expect(recent.get('a')).toBeUndefined();
});

test('past the limit the oldest is forgotten', () => {
  const recent = new RecentReceipts(2);
  for (const id of ['a', 'b', 'c']) recent.add(id, id);
  expect(['a', 'b', 'c'].map((id) => recent.get(id))).toEqual([undefined, 'b', 'c']);
});
