import { expect, test } from 'vitest';
import { HeldBytes } from './held-bytes.js';

test('the limit is shared among the channels that hold something', () => {
  const held = new HeldBytes(1_200, () => {});
  const [one, two, idle] = [held.account(), held.account(), held.account()];
  expect(held.share).toBe(1_200);
  one(100);
  idle(0);
  expect(held.share).toBe(1_200);
  two(100);
  expect(held.share).toBe(600);
  two(-50);
  expect(held.share).toBe(600);
  two(-50);
  expect(held.share).toBe(1_200);
});

test('past the limit a channel gets one frame at a time, until a quarter is free again', () => {
  const shares: number[] = [];
  const held = new HeldBytes(1_000, () => shares.push(held.share));
  const account = held.account();
  account(1_000);
  expect(shares).toEqual([]);
  account(1);
  expect(shares).toEqual([0]);
  account(-250);
  expect(shares).toEqual([0]);
  account(-1);
  expect(shares).toEqual([0, 1_000]);
  expect(held.held).toBe(750);
});
