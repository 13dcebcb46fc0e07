import { expect, it } from 'vitest';
import { distance, nearest } from './nearest.js';

it('counts insertions, removals, replacements and swaps', () => {
  expect(distance('', 'abc')).toBe(3);
  expect(distance('kitten', 'sitting')).toBe(3);
  expect(distance('prot', 'port')).toBe(1);
  expect(distance('same', 'same')).toBe(0);
});

it('finds the candidate that is nearest, without regard to case and separators', () => {
  expect(nearest('db-host', ['DB_PORT', 'DB_HOST'])).toBe('DB_HOST');
});

it('finds nothing when nothing is near', () => {
  expect(nearest('Colour', ['DB_PORT', 'DB_HOST'])).toBeUndefined();
  expect(nearest('x'.repeat(100_000), ['x'])).toBeUndefined();
});
