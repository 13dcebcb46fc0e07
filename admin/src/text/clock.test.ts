import { expect, test } from 'vitest';
import { now, setClock } from './clock.js';

test("an operator's clock that is an hour slow still tells the gateway's time", () => {
  const own = Date.now();
  setClock(own + 3_600_000, own);
  expect(now() - Date.now()).toBe(3_600_000);
  setClock(own + 300, own);
  expect(Math.abs(now() - Date.now())).toBeLessThan(5);
});
