import { expect, test } from 'vitest';
import { attemptNumber, nextRound } from './attempt.js';

test('attempts of the first round are counted as they are', () => {
  expect([0, 1, 2, 1_001].map(attemptNumber)).toEqual([0, 1, 2, 1_001]);
});

test('a new round begins at no attempt, with a count above all that were', () => {
  const first = nextRound(4);
  expect(attemptNumber(first)).toBe(0);
  expect(attemptNumber(first + 1)).toBe(1);
  expect(first).toBeGreaterThan(4);
  expect(nextRound(first)).toBeGreaterThan(first + 1_001);
});
