import { describe, expect, test } from 'vitest';
import { Stall } from './stall.js';

describe('a process that stood still', () => {
  test('doubts what it reads first, before its timers ran', () => {
    const stall = new Stall();
    stall.tick(0);
    stall.tick(100);
    expect(stall.doubtful(200)).toBe(false);
    expect(stall.doubtful(4_000)).toBe(true);
  });

  test('goes on to doubt for some seconds, and then no more', () => {
    const stall = new Stall();
    stall.tick(0);
    for (let now = 4_000; now < 8_900; now += 100) {
      stall.tick(now);
      expect(stall.doubtful(now)).toBe(true);
    }
    for (let now = 9_000; now < 10_000; now += 100) stall.tick(now);
    expect(stall.doubtful(10_000)).toBe(false);
  });

  test('does not doubt where nothing ticks', () => {
    expect(new Stall().doubtful(1_000_000)).toBe(false);
  });
});
