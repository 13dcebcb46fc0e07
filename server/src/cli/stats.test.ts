import { create } from '@bufbuild/protobuf';
import { DepthsSchema } from '@waybill/proto/waybill/v1/admin';
import { expect, it } from 'vitest';
import { waitingText } from './stats.js';

const NOW = 1_000_000n;
const depths = (ageMs: bigint, ready: { ready?: bigint; readyApproximate?: boolean } = {}) =>
  create(DepthsSchema, { inFlight: 2n, scheduled: 3n, parked: 4n, dead: 5n, timeMs: NOW - ageMs, ...ready });

it('what waits is told as it is known: whole, estimated, in part, old, or not at all', () => {
  const rest = 'in flight 2, scheduled 3, parked 4, dead 5';
  expect(waitingText(depths(2_000n, { ready: 1n }), NOW)).toBe(`ready 1, ${rest}`);
  expect(waitingText(depths(0n, { ready: 1n, readyApproximate: true }), NOW)).toBe(`ready ~1, ${rest}`);
  expect(waitingText(depths(0n), NOW)).toBe(`ready ?, ${rest}`);
  expect(waitingText(depths(61_000n), NOW)).toBe(`ready ?, ${rest}, as of 61 s ago: the ledger is away`);
  expect(waitingText(undefined, NOW)).toBe('what waits is not known: the ledger is away');
});
