import { expect, test } from 'vitest';
import { atLeastVersion, clockCheck } from './check.js';

test.each([
  ['3.10.7', '3.10', true],
  ['3.9.29', '3.10', false],
  ['10.11.6-MariaDB', '10.6', true],
  ['8.0', '8.0.1', false],
])('version %s is at least %s: %s', (version, least, expected) =>
  expect(atLeastVersion(version, least)).toBe(expected),
);

test('clocks that are apart are a warning, far apart a failure, and nothing is said that the way hides', () => {
  expect(clockCheck('c', 1_000_100, 1_000_000, 1_000_010).state).toBe('ok');
  expect(clockCheck('c', 1_005_000, 1_000_000, 1_000_010)).toMatchObject({
    state: 'warn',
    found: '4995 ms ahead of this machine',
  });
  expect(clockCheck('c', 900_000, 1_000_000, 1_000_010)).toMatchObject({ state: 'fail' });
  expect(clockCheck('c', 1_005_000, 1_000_000, 1_010_000).state).toBe('ok');
});
