import { expect, test } from 'vitest';
import { placeOf, runsOf } from './runs.js';

test('ids that are counted up in their last digits are one run', () => {
  const ids = Array.from({ length: 40 }, (_, i) => `018f-${(0x10 + i).toString(16)}`);
  expect(runsOf(ids)).toEqual([{ stem: '018f-', first: 0x10, last: 0x37 }]);
});

test('a gap and another stem begin another run, whatever the order', () => {
  expect(runsOf(['a03', 'b00', 'a01', 'a00', 'a01'])).toEqual([
    { stem: 'a', first: 0, last: 1 },
    { stem: 'a', first: 3, last: 3 },
    { stem: 'b', first: 0, last: 0 },
  ]);
});

test('no two ids have the same place', () => {
  const ids = ['order', 'orde', '0a', '0A', 'a', 'x0a', 'x0A', 'x', ''];
  const places = ids.map((id) => JSON.stringify(placeOf(id)));
  expect(new Set(places).size).toBe(ids.length);
});
