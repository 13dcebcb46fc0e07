import { expect, test } from 'vitest';
import { mergePages } from './merge-pages.js';
import type { Position } from './page.js';

const at = (time: number): Position => ({ time, channel: 1, topic: 1, id: 'a' });
const same = (position: Position): Position => position;
const times = (rows: readonly Position[]) => rows.map(({ time }) => time);

test('rows of several walks come newest first, and the page ends where it is full', () => {
  const walks = [
    { rows: [at(9), at(5)], stopped: undefined },
    { rows: [at(7), at(6)], stopped: undefined },
  ];
  const page = mergePages(walks, 3, same);
  expect(times(page.rows)).toEqual([9, 7, 6]);
  expect(page.next).toEqual(at(6));
  expect(mergePages(walks, 4, same)).toEqual({ rows: [at(9), at(7), at(6), at(5)], next: undefined });
});

test('what comes after the place where a walk stopped is left for the next page', () => {
  const walks = [
    { rows: [at(9), at(2)], stopped: undefined },
    { rows: [at(8)], stopped: at(4) },
  ];
  expect(mergePages(walks, 10, same)).toEqual({ rows: [at(9), at(8)], next: at(4) });
});

test('a page may be empty and yet have a next', () => {
  expect(mergePages([{ rows: [], stopped: at(4) }], 10, same)).toEqual({ rows: [], next: at(4) });
});
