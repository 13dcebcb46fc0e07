import { describe, expect, test } from 'vitest';
import { SetClock } from '../../fixture/clock.js';
import { BusError } from '../../model/errors.js';
import { RateLimit } from './rate-limit.js';

function faultOf(work: () => void): BusError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return BusError.from(error);
  }
}

describe('a rate of 10 a second', () => {
  test('lets 10 through at once, and then one every 100 ms', () => {
    const clock = new SetClock();
    const limit = new RateLimit(clock, 10, 'calls');
    for (let i = 0; i < 10; i++) limit.take('a', 1);
    expect(faultOf(() => limit.take('a', 1))).toMatchObject({
      reason: 'RATE_LIMITED',
      retryAfterMs: 100,
      retryable: true,
    });
    clock.advance(100);
    limit.take('a', 1);
    expect(faultOf(() => limit.take('a', 1))).toBeDefined();
  });

  test('is one client’s alone', () => {
    const limit = new RateLimit(new SetClock(), 10, 'calls');
    limit.take('a', 10);
    expect(faultOf(() => limit.take('a', 1))).toBeDefined();
    expect(faultOf(() => limit.take('b', 1))).toBeUndefined();
  });

  test('lets a batch through that is larger, and has it paid for', () => {
    const clock = new SetClock();
    const limit = new RateLimit(clock, 10, 'messages');
    limit.take('a', 1_000);
    const { retryAfterMs = 0 } = faultOf(() => limit.take('a', 1)) ?? {};
    expect(retryAfterMs).toBe(99_100);
    clock.advance(retryAfterMs);
    expect(faultOf(() => limit.take('a', 1))).toBeUndefined();
  });

  test('saves up no more than one second', () => {
    const clock = new SetClock();
    const limit = new RateLimit(clock, 10, 'calls');
    clock.advance(3_600_000);
    for (let i = 0; i < 10; i++) limit.take('a', 1);
    expect(faultOf(() => limit.take('a', 1))).toBeDefined();
  });
});

test('a rate of 0 is none', () => {
  const limit = new RateLimit(new SetClock(), 0, 'calls');
  for (let i = 0; i < 1_000; i++) limit.take('a', 1_000);
});

test('clients beyond number do not fill the memory, and one that owes is not forgotten for them while others are', () => {
  const clock = new SetClock();
  const limit = new RateLimit(clock, 1, 'calls');
  limit.take('debtor', 1_000);
  for (let i = 0; i < 9_999; i++) limit.take(`client-${i}`, 1);
  clock.advance(2_000);
  limit.take('newcomer', 1);
  expect(faultOf(() => limit.take('debtor', 1))).toBeDefined();
});
