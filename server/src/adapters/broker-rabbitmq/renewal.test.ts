import { expect, test } from 'vitest';
import { RENEWAL, Renewal } from './renewal.js';

/** When it is due, if the channel was opened at 1,000 and is looked at every second for ten minutes. */
function dueAt(busy: (now: number) => boolean, consumers = 1): number | undefined {
  const renewal = new Renewal(RENEWAL);
  renewal.opened(1_000);
  for (let now = 2_000; now <= 601_000; now += 1_000) if (renewal.due(now, busy(now), consumers)) return now;
  return undefined;
}

test('a channel that had messages is due when it has been quiet for 10 s', () => {
  expect(dueAt((now) => now < 30_000)).toBe(39_000);
});

test('one that never had any, and one that always has, are due after 5 minutes', () => {
  expect(dueAt(() => false)).toBe(301_000);
  expect(dueAt(() => true)).toBe(301_000);
});

test('the more consumers share it, the rarer', () => {
  expect(dueAt((now) => now < 5_000, 400)).toBe(41_000);
  expect(dueAt(() => true, 4_000)).toBe(401_000);
});

test('after a renewal it begins anew', () => {
  const renewal = new Renewal(RENEWAL);
  renewal.opened(0);
  expect(renewal.due(1_000, true, 1)).toBe(false);
  expect(renewal.due(11_000, false, 1)).toBe(true);
  renewal.opened(11_000);
  expect(renewal.due(30_000, false, 1)).toBe(false);
});

test('put off, it waits for a minute', () => {
  const renewal = new Renewal(RENEWAL);
  renewal.opened(0);
  expect(renewal.due(300_000, false, 1)).toBe(true);
  renewal.putOff(300_000);
  expect(renewal.due(359_000, false, 1)).toBe(false);
  expect(renewal.due(360_000, false, 1)).toBe(true);
});
