import { expect, it } from 'vitest';
import { Rare } from './rare.js';

function rareAt(times: readonly number[]) {
  let now = 0;
  const rare = new Rare({ steady: () => now });
  return times.map((time) => {
    now = time;
    return rare.pass('dead/orders');
  });
}

it('lets five of a kind through in ten seconds, and then says how many it held back', () => {
  const never = undefined;
  expect(rareAt([0, 1, 2, 3, 4, 5, 6, 9_999, 10_000, 10_001])).toEqual([0, 0, 0, 0, 0, never, never, never, 3, 0]);
});

it('counts each kind by itself, and keeps a bounded number of them', () => {
  const rare = new Rare({ steady: () => 0 });
  for (let i = 0; i < 5_000; i++) expect(rare.pass(`kind ${i}`)).toBe(0);
});
