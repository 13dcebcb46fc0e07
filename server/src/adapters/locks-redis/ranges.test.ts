import { expect, test } from 'vitest';
import { ACCEPTED, BEGUN, formatRanges, readRanges } from './ranges.js';

test('numbers that follow one another are one range', () => {
  expect(formatRanges(BEGUN, [3, 1, 2, 9, 2, 65_535])).toBe('b1-3;b9;b65535;');
  expect(formatRanges(ACCEPTED, [0])).toBe('a0;');
});

test('an id is accepted when it ever was, unsure when it was only begun, else new', () => {
  expect(readRanges('b0-31;a0-15;b40;b0-5;', [0, 15, 16, 31, 32, 40, 41])).toEqual([
    'accepted',
    'accepted',
    'begun',
    'begun',
    'new',
    'begun',
    'new',
  ]);
  expect(readRanges('', [7])).toEqual(['new']);
});

test('every range of a long text counts', () => {
  const text = Array.from({ length: 600 }, (_, n) => `b${n * 100}-${n * 100 + 1};`).join('');
  expect(readRanges(text, [0, 59_900, 59_901, 59_902])).toEqual(['begun', 'begun', 'begun', 'new']);
});
