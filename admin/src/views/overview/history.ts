import type { Depths, Rates, Stats } from '@waybill/proto/waybill/v1/admin';
import { depthsAge } from '../../app/staleness.js';
import type { Series, SeriesColor } from './chart.js';

/** A silence longer than this is a gap in the line, not a straight one. */
const GAP_MS = 4_000;

export interface History {
  readonly times: readonly number[];
  /** Undefined where a gap is. */
  readonly stats: readonly (Stats | undefined)[];
}

export function withGaps(history: readonly Stats[]): History {
  const times: number[] = [];
  const stats: (Stats | undefined)[] = [];
  let before: number | undefined;
  for (const each of history) {
    const at = Number(each.timeMs);
    // Another gateway's clock may lie behind; a plot needs times that rise.
    if (before !== undefined && at <= before) continue;
    if (before !== undefined && at - before > GAP_MS) {
      times.push((before + 1) / 1000);
      stats.push(undefined);
    }
    times.push(at / 1000);
    stats.push(each);
    before = at;
  }
  return { times, stats };
}

type RateName = Exclude<keyof Rates, `$${string}`>;

export function ratesOf({ stats }: History, name: string, rate: RateName & SeriesColor): Series {
  return { name, color: rate, values: stats.map((each) => each?.rates?.[rate] ?? null) };
}

/** Depths that are older than their ledger's last word are not drawn. */
export function depthsOf(
  { stats }: History,
  name: string,
  color: SeriesColor,
  of: (depths: Depths) => bigint | undefined,
): Series {
  const values = stats.map((each) => {
    if (each?.depths === undefined || depthsAge(each) > 0) return null;
    const value = of(each.depths);
    return value === undefined ? null : Number(value);
  });
  return { name, color, values };
}
