import { describe, expect, test } from 'vitest';
import { type Backoff, retryDelay } from './retry-policy.js';

const policy = (maxRetries: number, backoff: Backoff) => ({ maxRetries, backoff });
const grows = (initialMs: number, multiplier: number, maxMs: number, jitter = 0): Backoff => {
  return { kind: 'exponential', initialMs, multiplier, maxMs, jitter };
};

describe('a retry policy', () => {
  test.each([
    [0, 1, undefined],
    [1, 1, 700],
    [1, 2, undefined],
    [3, 3, 700],
    [3, 4, undefined],
    [1_000, 1_000, 700],
  ])('with %i retries answers attempt %i with %s', (maxRetries, attempt, expected) => {
    expect(retryDelay(policy(maxRetries, { kind: 'fixed', delayMs: 700 }), attempt)).toBe(expected);
  });

  test.each([
    [grows(100, 2, 10_000), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]],
    [grows(100, 1, 10_000), [100, 100, 100]],
    [grows(1, 100, 1_000), [1, 100, 1_000, 1_000]],
    [grows(100, 1.5, 1_000), [100, 150, 225, 338]],
    [grows(500, 2, 500), [500, 500]],
  ])('grows its delays: %j', (backoff, expected) => {
    expect(expected.map((_, i) => retryDelay(policy(1_000, backoff), i + 1))).toEqual(expected);
  });

  test('stays at its longest delay where the power is past every number', () => {
    expect(retryDelay(policy(1_000, grows(1, 100, 3_600_000)), 1_000)).toBe(3_600_000);
  });

  test.each([
    [0, 0, 1_000],
    [0.25, 0, 1_000],
    [0.25, 1, 750],
    [1, 1, 0],
    [1, 0.5, 500],
  ])('with a jitter of %f and chance %f makes 1000 ms %i ms', (jitter, chance, expected) => {
    expect(retryDelay(policy(1, grows(1_000, 2, 1_000, jitter)), 1, () => chance)).toBe(expected);
  });
});
