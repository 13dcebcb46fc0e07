import { describe, expect, it } from 'vitest';
import { AutoCredit } from './auto-credit.js';

/** As it is after many handlers and round trips of these lengths, half a second apart. */
function settled(concurrency: number, handlerMs: number, tripMs: number): number {
  const credit = new AutoCredit(concurrency);
  for (let n = 1; n <= 50; n++) {
    credit.answered(tripMs);
    credit.handled(handlerMs, n * 500);
  }
  return credit.credit;
}

describe('the credit by itself', () => {
  it('begins with one more than are handled, so that a slow handler takes nothing from others', () => {
    expect(new AutoCredit(1).credit).toBe(2);
    expect(new AutoCredit(50).credit).toBe(51);
    expect(settled(10, 60_000, 5)).toBe(11);
  });

  it('covers what handlers take in two round trips', () => {
    expect(settled(1, 1, 5)).toBe(11);
    expect(settled(10, 2, 8)).toBe(90);
  });

  it('is never more than 1,000, or than are handled at a time', () => {
    expect(settled(10, 0, 20)).toBe(1_000);
    expect(settled(5_000, 0, 20)).toBe(5_000);
    expect(new AutoCredit(5_000).credit).toBe(5_000);
  });

  it('follows handlers that get slower', () => {
    const credit = new AutoCredit(1);
    credit.answered(5);
    expect(credit.handled(0.1, 0)).toBe(true);
    expect(credit.credit).toBe(101);
    let changes = 0;
    for (let now = 200; now < 20_000; now += 200) if (credit.handled(1_000, now)) changes++;
    expect(credit.credit).toBe(2);
    expect(changes).toBeLessThan(20);
  });

  it('stays as it is for little, and for 100 ms after a change', () => {
    const credit = new AutoCredit(1);
    credit.answered(5);
    expect(credit.handled(1, 1_000)).toBe(true);
    expect(credit.handled(0.9, 2_000)).toBe(false);
    expect(credit.handled(100, 2_000)).toBe(true);
    expect(credit.handled(100_000, 2_050)).toBe(false);
  });
});
