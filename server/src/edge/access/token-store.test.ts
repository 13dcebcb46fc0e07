import { expect, test } from 'vitest';
import type { TokenEntry } from './credentials-file.js';
import { ALL_GRANTS, NO_GRANTS } from './permissions.js';
import { hashOf, newToken } from './token.js';
import { TokenStore } from './token-store.js';

function entryOf(token: string, about: Partial<TokenEntry> = {}): TokenEntry {
  const sha256 = hashOf(token).toString('hex');
  return { name: 'one', sha256, grants: ALL_GRANTS, expiresAt: undefined, ...about };
}

test('a token is known by its hash, and nothing else is', () => {
  const store = new TokenStore();
  const token = newToken();
  store.replace([entryOf(token)]);
  expect([store.find(token)?.name, store.find(token)?.name]).toEqual(['one', 'one']);
  for (const other of ['', newToken(), hashOf(token).toString('hex'), token.slice(0, -1), `${token} `]) {
    expect(store.find(other)).toBeUndefined();
  }
});

test('a token that is gone, or has other rights, is good no more; one that stays is the same', () => {
  const store = new TokenStore();
  const [staying, leaving, changing] = [newToken(), newToken(), newToken()];
  const entries = [entryOf(staying), entryOf(leaving, { name: 'two' }), entryOf(changing, { name: 'three' })];
  store.replace(entries);
  const [stays, leaves, changes] = [staying, leaving, changing].map((token) => store.find(token));
  store.replace([entryOf(staying), entryOf(changing, { name: 'three', grants: NO_GRANTS })]);
  expect(store.find(staying)).toBe(stays);
  expect(store.find(leaving)).toBeUndefined();
  expect(store.find(changing)?.permissions.some('publish')).toBe(false);
  expect([stays, leaves, changes].map((principal) => principal?.isGood(0))).toEqual([true, false, false]);
});

test('a token is good until it expires', () => {
  const store = new TokenStore();
  const token = newToken();
  store.replace([entryOf(token, { expiresAt: 1_000 })]);
  const principal = store.find(token);
  expect([principal?.isGood(999), principal?.isGood(1_000)]).toEqual([true, false]);
});
