import { expect, test } from 'vitest';
import { incoming } from '../fixture/incoming.js';
import { seal } from './message-codec.js';
import { areHeaders, splitHeaders, termsOf } from './search-term.js';

const message = (key: string, headers: Record<string, string>) =>
  seal(incoming({ topic: 't', key, headers, body: Buffer.from([34, 3, 0]) }), 'id', 1);

test('a message is found by its key', () => {
  expect(termsOf([])(message('order 42', { a: 'b' }))).toEqual([{ name: '', value: 'order 42' }]);
  expect(termsOf([])(message('', { a: 'b' }))).toBeUndefined();
});

test('a message is found by the headers that are searched for, and by no others', () => {
  const of = termsOf(['trace', 'x-order', 'absent']);
  const terms = of(message('k', { 'x-order': 'ü', other: '1', trace: '00-1', empty: '' }));
  expect(terms).toHaveLength(3);
  expect(terms).toEqual(
    expect.arrayContaining([
      { name: '', value: 'k' },
      { name: 'trace', value: '00-1' },
      { name: 'x-order', value: 'ü' },
    ]),
  );
  expect(of(message('', { other: '1' }))).toBeUndefined();
  expect(of(message('', { Trace: '1' }))).toBeUndefined();
});

test('of a long value the beginning counts', () => {
  expect(termsOf(['h'])(message('', { h: 'x'.repeat(1_000) }))).toEqual([{ name: 'h', value: 'x'.repeat(128) }]);
});

test('a list of headers is read as it is written', () => {
  expect(splitHeaders(' a, b-c ,,d ')).toEqual(['a', 'b-c', 'd']);
  expect(areHeaders('')).toBe(true);
  expect(areHeaders('a b')).toBe(false);
});
