import type { Stats } from '@waybill/proto/waybill/v1/admin';

/** The gateway keeps depths for up to 2 seconds; what is much older is of a ledger that is away. */
const FRESH_MS = 10_000;

/** How old the depths are in milliseconds; 0 while they are fresh. */
export function depthsAge({ timeMs, depths }: Stats): number {
  if (depths === undefined || depths.timeMs === 0n) return 0;
  const age = Number(timeMs - depths.timeMs);
  return age > FRESH_MS ? age : 0;
}
