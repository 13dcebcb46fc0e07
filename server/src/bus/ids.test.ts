import { describe, expect, test } from 'vitest';
import { IdSource, NonceSource } from './ids.js';

const NOW = 1_800_000_000_000;

describe('message ids', () => {
  test('are UUIDs of version 7 that begin with their time', () => {
    const id = new IdSource().next(NOW);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(NOW);
  });

  test('of one batch differ in their last four digits only, and count up', () => {
    const ids = new IdSource();
    const batch = Array.from({ length: 1_000 }, () => ids.next(NOW));
    expect(new Set(batch.map((id) => id.slice(0, -4))).size).toBe(1);
    expect(batch).toEqual([...batch].sort());
    expect(new Set(batch).size).toBe(1_000);
  });

  test('begin anew in the next millisecond, and when the clock goes back', () => {
    const ids = new IdSource();
    const prefixes = [NOW, NOW + 1, NOW, NOW - 5].map((now) => ids.next(now).slice(0, -4));
    expect(new Set(prefixes).size).toBe(4);
  });

  test('stay unique past 65,536 in one millisecond', () => {
    const ids = new IdSource();
    const all = new Set(Array.from({ length: 140_000 }, () => ids.next(NOW)));
    expect(all.size).toBe(140_000);
    expect(new Set([...all].map((id) => id.slice(0, -4))).size).toBe(3);
    expect([...all].every((id) => id.length === 36)).toBe(true);
  });

  test('of two gateways differ', () => {
    expect(new IdSource().next(NOW).slice(0, -4)).not.toBe(new IdSource().next(NOW).slice(0, -4));
  });
});

describe('nonces', () => {
  test('are whole numbers below 2^53, none of them twice', () => {
    const nonces = new NonceSource();
    const some = Array.from({ length: 10_000 }, () => nonces.next());
    expect(new Set(some).size).toBe(10_000);
    expect(some.every((nonce) => Number.isSafeInteger(nonce) && nonce >= 0)).toBe(true);
  });

  test('of two gateways are far apart', () => {
    expect(new NonceSource().next()).not.toBe(new NonceSource().next());
  });
});
