import { expect, test } from 'vitest';
import { channelsOf } from './rebalance.js';

test('a word names channels by number, and what is no number of a channel is left out', () => {
  expect(channelsOf(Buffer.from('7'))).toEqual([7]);
  expect(channelsOf(Buffer.from('7,12,3'))).toEqual([7, 12, 3]);
  expect(channelsOf(Buffer.from('0,-1,1.5,x,,9007199254740993,4'))).toEqual([4]);
  expect(channelsOf(Buffer.alloc(0))).toEqual([]);
  expect(channelsOf(Buffer.from([0xff, 0x00, 0x2c]))).toEqual([]);
});
