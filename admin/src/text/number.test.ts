import { expect, test } from 'vitest';
import { bytes, counted, rate, short } from './number.js';

test('numbers of things agree with their nouns', () => {
  expect(counted(1, 'message')).toBe('1 message');
  expect(counted(12_345n, 'message')).toBe('12,345 messages');
  expect(counted(0, 'retry', 'retries')).toBe('0 retries');
});

test('what is short of room is rounded, and small rates keep a digit', () => {
  expect(short(9_999n)).toBe('9,999');
  expect(short(12_345)).toBe('12.3K');
  expect(rate(0)).toBe('0');
  expect(rate(0.25)).toBe('0.3');
  expect(rate(107.4)).toBe('107');
});

test('sizes are in powers of 1,024', () => {
  expect(bytes(0)).toBe('0 B');
  expect(bytes(1023n)).toBe('1023 B');
  expect(bytes(4 << 20)).toBe('4 MiB');
  expect(bytes(3_277)).toBe('3.2 KiB');
});
