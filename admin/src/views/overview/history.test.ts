import { create } from '@bufbuild/protobuf';
import { type Stats, StatsSchema } from '@waybill/proto/waybill/v1/admin';
import { expect, test } from 'vitest';
import { depthsOf, ratesOf, withGaps } from './history.js';

function stats(timeMs: number, published: number, depthsTimeMs = timeMs): Stats {
  return create(StatsSchema, {
    timeMs: BigInt(timeMs),
    rates: { published },
    depths: { timeMs: BigInt(depthsTimeMs), ready: 7n },
  });
}

test('a silence of the gateway is a gap in the line', () => {
  const history = withGaps([stats(1_000, 1), stats(2_000, 2), stats(9_000, 3)]);
  expect(history.times).toEqual([1, 2, 2.001, 9]);
  expect(ratesOf(history, 'Published', 'published').values).toEqual([1, 2, null, 3]);
});

test('a time that does not rise is left out: another gateway may answer, whose clock lies behind', () => {
  expect(withGaps([stats(5_000, 1), stats(5_000, 2), stats(4_000, 3), stats(6_000, 4)]).times).toEqual([5, 6]);
});

test('depths of a ledger that is away are not drawn as if they were of now', () => {
  const history = withGaps([stats(100_000, 1), stats(101_000, 1, 80_000)]);
  expect(depthsOf(history, 'Ready', 'published', ({ ready }) => ready).values).toEqual([7, null]);
});
