import { describe, expect, it } from 'vitest';
import { type Duration, milliseconds, seconds } from './duration.js';

describe('durations', () => {
  it.each<[Duration, number]>([
    [1_500, 1_500],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s is %d milliseconds', (duration, expected) => {
    expect(milliseconds(duration, 'delay')).toBe(expected);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '-5m', '5 m', '5y', ''])(
    '%s is refused, and named',
    (duration) => {
      expect(() => milliseconds(duration as Duration, 'delay')).toThrow(
        expect.objectContaining({ name: 'InvalidArgumentError', code: 'INVALID_ARGUMENT', field: 'delay' }),
      );
    },
  );

  it('rounds seconds up, so that a lease is never shorter than asked for', () => {
    expect(seconds('1500ms', 'lease', 1, 10)).toBe(2);
    expect(() => seconds(0, 'lease', 1, 10)).toThrow(/lease/);
  });
});
