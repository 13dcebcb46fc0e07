import { describe, expect, test } from 'vitest';
import { parseGrant, readGrants } from './grants.js';
import { ALL_GRANTS, NO_GRANTS, Permissions, RIGHTS } from './permissions.js';

function permissions(from: Readonly<Record<string, unknown>>): Permissions {
  return new Permissions(
    readGrants(from, (fault) => {
      throw new Error(fault);
    }),
  );
}

describe('a right', () => {
  const some = permissions({ publish: ['orders.*'], consume: ['orders.#/billing', 'audit'], admin: 'ops.#' });

  test.each([
    ['publish', 'orders.created', true],
    ['publish', 'orders', false],
    ['publish', 'orders.*', true],
    ['publish', '#', false],
    ['consume', 'audit', true],
    ['consume', 'ops.a', false],
    ['read', 'ops.a', true],
    ['read', 'orders.created', false],
    ['locks', 'orders.created', false],
  ] as const)('to %s %s: %s', (right, topic, expected) => {
    // Decided, and remembered.
    expect([some.topic(right, topic), some.topic(right, topic)]).toEqual([expected, expected]);
  });

  test.each([
    ['orders.created', 'billing', true],
    ['orders.*', 'billing', true],
    ['orders.created', 'mail', false],
    ['orders.created', '#', false],
    ['audit', 'anything', true],
    ['audit', '#', true],
    ['#', 'billing', false],
  ])('to consume the channel %s/%s: %s', (topic, channel, expected) => {
    expect(some.channel('consume', topic, channel)).toBe(expected);
  });

  test('to everything is known as such, however it is written', () => {
    expect(RIGHTS.every((right) => new Permissions(ALL_GRANTS).everything(right))).toBe(true);
    expect(permissions({ read: '#.#' }).everything('read')).toBe(true);
    expect(permissions({ read: '#/billing' }).everything('read')).toBe(false);
    expect(permissions({ read: ['*', '*.#'] }).everything('read')).toBe(false);
    expect(permissions({ admin: '#' }).everything('read')).toBe(true);
    expect(RIGHTS.some((right) => new Permissions(NO_GRANTS).some(right))).toBe(false);
  });

  test('is decided anew when more was asked than is remembered', () => {
    const one = permissions({ publish: 'a.#' });
    for (let i = 0; i < 25_000; i++) expect(one.topic('publish', i % 2 === 0 ? `a.${i}` : `b.${i}`)).toBe(i % 2 === 0);
  });
});

describe('a grant', () => {
  test.each([
    ['orders', { topic: 'orders', channel: '#' }],
    ['orders.*/billing', { topic: 'orders.*', channel: 'billing' }],
    ['#/mail.*', { topic: '#', channel: 'mail.*' }],
  ])('%s is read', (text, grant) => {
    expect(parseGrant('consume', text)).toEqual(grant);
  });

  test.each(['', '/', 'a/', '/b', 'a/b/c', 'a*', 'a/b*', 'a b', `a/${'c'.repeat(65)}`, 't'.repeat(129)])(
    '%j is none',
    (text) => {
      expect(() => parseGrant('consume', text)).toThrow();
    },
  );

  test('names no channel where there is none', () => {
    expect(() => parseGrant('publish', 'orders/billing')).toThrow('names a channel');
    expect(() => parseGrant('locks', 'orders/billing')).toThrow('names a channel');
  });

  test('that is none gives no right, and is told of', () => {
    const faults: string[] = [];
    const grants = readGrants({ read: ['a*', 7, 'ok'], other: ['#'] }, (fault) => faults.push(fault));
    expect(grants).toEqual({ ...NO_GRANTS, read: [{ topic: 'ok', channel: '#' }] });
    expect(faults).toHaveLength(2);
  });
});
