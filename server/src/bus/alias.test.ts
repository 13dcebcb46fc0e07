import { describe, expect, test } from 'vitest';
import { isAlias, makeAlias } from './alias.js';

describe('an alias', () => {
  test.each([0, Date.UTC(2026, 0), Date.UTC(2500, 0)])('has 20 characters of 0-9 and a-z at time %i', (now) => {
    expect(makeAlias(now)).toMatch(/^[0-9a-z]{20}$/);
  });

  test('sorts by its time', () => {
    expect(makeAlias(1_000) < makeAlias(1_001)).toBe(true);
    expect(makeAlias(35) < makeAlias(36 ** 8)).toBe(true);
  });

  test('is one of a kind, also within a millisecond', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => makeAlias(7))).size).toBe(10_000);
  });

  test.each(['', 'a', 'A'.repeat(20), 'a'.repeat(19), 'a'.repeat(21), `${'a'.repeat(19)}'`, `${'a'.repeat(20)}\n`])(
    'is not %j',
    (text) => {
      expect(isAlias(text)).toBe(false);
    },
  );
});
