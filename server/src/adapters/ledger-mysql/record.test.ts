import { expect, test } from 'vitest';
import { STATE_CODE, stateOf } from './record.js';

test('each state is stored as a number and read back', () => {
  for (const [state, code] of Object.entries(STATE_CODE)) expect(stateOf(code)).toBe(state);
  expect(() => stateOf(99)).toThrow('unknown state 99');
});
