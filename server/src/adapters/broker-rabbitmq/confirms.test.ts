import { expect, test } from 'vitest';
import { Confirms } from './confirms.js';

function filled(count: number): Confirms<number> {
  const confirms = new Confirms<number>();
  for (let tag = 1; tag <= count; tag++) confirms.add(tag);
  return confirms;
}

function settled(confirms: Confirms<number>, tag: number, multiple: boolean): number[] {
  const tags: number[] = [];
  confirms.settle(tag, multiple, (item) => tags.push(item));
  return tags;
}

test('a confirm settles exactly its own tag, in any order, once', () => {
  const confirms = filled(5);
  expect(settled(confirms, 3, false)).toEqual([3]);
  expect(settled(confirms, 3, false)).toEqual([]);
  expect(settled(confirms, 1, false)).toEqual([1]);
  expect(settled(confirms, 9, false)).toEqual([]);
});

test('a multiple confirm settles what is still open up to its tag, oldest first', () => {
  const confirms = filled(6);
  settled(confirms, 2, false);
  expect(settled(confirms, 4, true)).toEqual([1, 3, 4]);
  expect(settled(confirms, 0, true)).toEqual([5, 6]);
});

test('tags go on past the size of the ring, also when the oldest is never confirmed', () => {
  const confirms = filled(3_000);
  for (let tag = 2; tag <= 3_000; tag++) expect(settled(confirms, tag, false)).toEqual([tag]);
  for (let tag = 3_001; tag <= 9_000; tag++) {
    expect(confirms.next).toBe(tag);
    confirms.add(tag);
  }
  expect(confirms.get(1)).toBe(1);
  expect(confirms.get(2)).toBeUndefined();
  expect(confirms.get(9_000)).toBe(9_000);
  expect(settled(confirms, 9_000, true)).toHaveLength(6_001);
});

test('whatever is open can be visited', () => {
  const confirms = filled(4);
  settled(confirms, 2, true);
  const open: number[] = [];
  confirms.forEach((tag) => {
    open.push(tag);
  });
  expect(open).toEqual([3, 4]);
});
