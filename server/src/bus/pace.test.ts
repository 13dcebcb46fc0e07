import { describe, expect, test } from 'vitest';
import { Pace } from './pace.js';

/** Hands out `perMs` messages a millisecond until `end`; answers the pace. */
function paced(perMs: number, end: number): Pace {
  const pace = new Pace();
  for (let now = 0; now < end; now++) pace.passed(perMs, now);
  return pace;
}

describe('what a channel holds ahead', () => {
  test('is nothing at first', () => {
    expect(new Pace().ahead(5)).toBe(0);
  });

  test('is a tenth of a second of its pace, rounded up to a power of two', () => {
    expect(paced(1, 200).ahead(200)).toBe(128);
    expect(paced(10, 200).ahead(200)).toBe(1_024);
  });

  test('is nothing once it has handed out nothing for a second', () => {
    expect(paced(10, 200).ahead(1_300)).toBe(0);
  });

  test('falls with the pace', () => {
    const pace = paced(10, 200);
    for (let now = 200; now < 400; now++) pace.passed(1, now);
    expect(pace.ahead(400)).toBe(128);
  });

  test('starts anew when the clock is set back', () => {
    expect(paced(10, 2_000).ahead(500)).toBe(0);
  });
});
