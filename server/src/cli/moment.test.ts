import { expect, test } from 'vitest';
import { ageText, date, duration, past, timeText } from './moment.js';

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
])('%s is a length of time', (text, ms) => expect(duration(text)).toBe(ms));

test.each(['', '5', 'soon', '-1s', '5 m'])('%j is none', (text) => expect(() => duration(text)).toThrow('30s'));

test('a time that has passed is a length of time ago, or a date', () => {
  expect(past('1h', undefined, 10_000_000)).toBe(6_400_000);
  expect(past('2031-05-01T12:00:00Z')).toBe(Date.UTC(2031, 4, 1, 12));
  expect(() => date('5')).toThrow('2031-05-01');
});

test('times and ages are written for people', () => {
  expect(timeText(0n)).toBe('-');
  expect(timeText(Date.UTC(2031, 4, 1, 12, 0, 1, 5))).toBe('2031-05-01 12:00:01.005');
  expect([0, 999_000, 940_000, 0].map((ms) => ageText(ms, 1_000_000))).toEqual(['-', '1s', '1m 0s', '-']);
  expect(ageText(1, 90_000_001)).toBe('1d 1h');
});
