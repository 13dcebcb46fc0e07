import { expect, test } from 'vitest';
import { ratesOf } from './rates.js';

const totals = (published: number) => ({ published, delivered: 0, acked: 0, retried: 0, dead: 0, expired: 0 });

test('a rate is what was counted from the first sample to the last, a second', () => {
  const samples = [
    { at: 1_000, totals: totals(10) },
    { at: 2_000, totals: totals(400) },
    { at: 6_000, totals: totals(510) },
  ];
  expect(ratesOf(samples).published).toBe(100);
});

test('a gateway that has just started has no rate', () => {
  expect(ratesOf([]).published).toBe(0);
  expect(ratesOf([{ at: 1, totals: totals(5) }]).published).toBe(0);
});
