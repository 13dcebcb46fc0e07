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

it('counts each kind by itself, and a thousand kinds at a time', () => {
  let now = 0;
  const rare = new Rare({ steady: () => now });
  const passed = () =>
    Array.from({ length: 2_000 }, (_, i) => rare.pass(`kind ${now} ${i}`)).filter((one) => one === 0);
  expect(passed()).toHaveLength(1_000);
  expect(passed()).toHaveLength(1_000);
  now = 10_000;
  expect(passed()).toHaveLength(1_000);
});
