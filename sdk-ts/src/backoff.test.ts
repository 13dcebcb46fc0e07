import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.js';

describe('Backoff', () => {
  it('doubles up to its longest wait, and starts anew after a success', () => {
    const backoff = new Backoff(50, 300, () => 1);
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([50, 100, 200, 300]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('varies between half and the whole', () => {
    expect(new Backoff(100, 300, () => 0).next()).toBe(50);
    expect(new Backoff(100, 300, () => 0.5).next()).toBe(75);
  });
});
