import { expect, test } from 'vitest';
import { currentSession, currentToken, lock, onSession, signOut, unlock } from './session.js';

test('a refused token is forgotten, one that was taken is kept, and signing out is told apart from both', () => {
  const seen: boolean[] = [];
  const stop = onSession(() => seen.push(currentSession().locked));
  lock();
  expect(currentSession()).toEqual({ locked: true, expired: false });
  unlock('wb_secret');
  expect(currentToken()).toBe('wb_secret');
  lock();
  expect(currentSession()).toEqual({ locked: true, expired: true });
  expect(currentToken()).toBeUndefined();
  unlock('wb_other');
  signOut();
  expect(currentSession()).toEqual({ locked: true, expired: false });
  stop();
  expect(seen).toEqual([true, false, true, false, true]);
});
