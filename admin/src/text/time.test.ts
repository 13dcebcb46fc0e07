import { expect, test } from 'vitest';
import { duration, fromLocalInput, isoOf, msOf, parseDuration, relativeTime, toLocalInput, utcTime } from './time.js';

test.each([
  [0, '0 ms'],
  [850, '850 ms'],
  [1_000, '1 s'],
  [1_250, '1.3 s'],
  [12_900, '12 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
  [353_000_000, '4 d 2 h'],
])('%d ms reads as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [0, 'now'],
  [400, 'now'],
  [1_200, 'in 1 s'],
  [-61_000, '1 min 1 s ago'],
  [3_600_000, 'in 1 h'],
])('a distance of %d ms is told in whole seconds: %s', (distance, text) => {
  expect(relativeTime(1_000_000_000 + distance, 1_000_000_000)).toBe(text);
});

test.each([
  ['90', 90_000],
  ['250ms', 250],
  ['30s', 30_000],
  ['15m', 900_000],
  ['15 min', 900_000],
  ['1d 12h', 129_600_000],
  ['0.5h', 1_800_000],
  ['', undefined],
  ['soon', undefined],
  ['5 parsecs', undefined],
  ['-5s', undefined],
])('%j is a duration of %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('what a field for times shows is what it gives back', () => {
  const ms = Date.UTC(2026, 6, 1, 9, 30, 15);
  expect(fromLocalInput(toLocalInput(ms))).toBe(ms);
  expect(toLocalInput(0)).toBe('');
  expect(fromLocalInput('no time')).toBe(0);
});

test('a time in a URL is in UTC, and what is none counts as absent', () => {
  const ms = Date.UTC(2026, 0, 31, 9, 30);
  expect(isoOf(ms)).toBe('2026-01-31T09:30:00.000Z');
  expect(msOf(isoOf(ms))).toBe(ms);
  expect(msOf('yesterday-ish')).toBe(0);
  expect(msOf(undefined)).toBe(0);
  expect(utcTime(ms)).toBe('2026-01-31 09:30:00.000 UTC');
});
