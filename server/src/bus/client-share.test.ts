import { describe, expect, test } from 'vitest';
import { ClientShare, ClientShares } from './client-share.js';

describe('the share of a client', () => {
  test('has room for messages up to its limit, and again once some are settled', () => {
    const share = new ClientShare({ messages: 3, bytes: 1_000 });
    share.take(2, 20);
    expect(share.room).toBe(1);
    share.take(1, 10);
    expect(share.room).toBe(0);
    share.free(2, 20);
    expect(share.room).toBe(2);
  });

  test('has room for bytes up to its limit, which the last message may pass', () => {
    const share = new ClientShare({ messages: 100, bytes: 1_000 });
    expect(share.roomBytes).toBe(1_000);
    share.take(1, 999);
    expect(share.room).toBe(99);
    share.take(1, 5_000);
    expect(share.room).toBe(0);
    share.free(1, 5_000);
    expect(share.room).toBe(99);
  });

  test('calls back whoever waits, once, when there is room again', () => {
    const share = new ClientShare({ messages: 2, bytes: 1_000 });
    const called: string[] = [];
    const [one, two] = [() => called.push('one'), () => called.push('two')];
    share.take(2, 2_000);
    for (const roomy of [one, two, two]) share.whenRoomy(roomy);
    share.free(1, 500);
    expect(called).toEqual([]);
    share.forget(one);
    share.free(1, 1_500);
    expect(called).toEqual(['two']);
    share.take(2, 20);
    share.free(2, 20);
    expect(called).toEqual(['two']);
  });
});

test('consumers of one client share its limit, and nothing stays of a client that is gone', () => {
  const shares = new ClientShares({ messages: 2, bytes: 1_000 });
  const one = shares.join('1.2.3.4:5');
  expect(shares.join('1.2.3.4:5')).toBe(one);
  expect(shares.join('1.2.3.4:6')).not.toBe(one);
  expect(shares.size).toBe(2);
  shares.leave('1.2.3.4:5');
  shares.leave('1.2.3.4:6');
  expect(shares.size).toBe(1);
  shares.leave('1.2.3.4:5');
  expect(shares.size).toBe(0);
});
