import { BODY_BYTES } from '../comparisons.js';
import type { Period, SoakFigures, SoakPlan } from './run.js';

const RATE = 1_000;
const PERIODS = 60;
const SHORTEST_PERIOD_MS = 2_000;
/** Fewer points make no line. */
const FIT_PERIODS = 4;
/** MB an hour. Less than this is nothing, as far as such a line can tell. */
const STEADY_MB = 20;
const HOUR_SECONDS = 3_600;

export const SOAK_HEADER =
  'after s | published/s | acked/s | late p50, p99, max ms | open | twice | RSS MB | connections';

export function planOfSoak(durationMs: number): SoakPlan {
  const periodMs = Math.min(durationMs, Math.max(SHORTEST_PERIOD_MS, durationMs / PERIODS));
  return { durationMs, periodMs, rate: RATE, bodyBytes: BODY_BYTES };
}

export function soakLine(period: Period): string {
  const { atSeconds, publishRate, ackRate, lateness, open, duplicated, rssMb, connections } = period;
  const late = [lateness.p50, lateness.p99, lateness.max].map((ms) => ms.toFixed(0)).join(', ');
  return [
    atSeconds.toFixed(0).padStart(7),
    publishRate.toFixed(0).padStart(11),
    ackRate.toFixed(0).padStart(7),
    late.padStart(21),
    String(open).padStart(4),
    String(duplicated).padStart(5),
    rssMb.toFixed(0).padStart(6),
    String(connections).padStart(11),
  ].join(' | ');
}

/** What went wrong whatever the machine; empty when nothing did. */
export function soakFaults({ lost, early, connections }: SoakFigures, connectionLimit: number): string[] {
  const found: string[] = [];
  if (lost > 0) found.push(`${lost} messages were lost`);
  if (early > 0) found.push(`${early} messages came before their time`);
  if (connections > connectionLimit + 1) {
    found.push(`${connections} database connections, where ${connectionLimit} are allowed`);
  }
  return found;
}

export function soakVerdict(figures: SoakFigures): string {
  const { published, acked, lost, duplicated, early, connections } = figures;
  return [
    `${published} published, ${acked} acked, ${lost} lost, ${duplicated} came twice, ${early} early; ${connections} database connections at most`,
    memoryVerdict(figures),
  ].join('\n');
}

function memoryVerdict({ periods }: SoakFigures): string {
  const half = periods.slice(Math.floor(periods.length / 2));
  const growth = growthPerHour(half);
  if (growth === undefined) return 'memory: too few periods to say whether it grew';
  const { slope, error } = growth;
  const line = `${slope.toFixed(1)} MB an hour (± ${(2 * error).toFixed(1)}), a line through the second half`;
  if (slope - 2 * error > 0) return `memory grew: ${line}`;
  if (slope + 2 * error < STEADY_MB) return `memory did not grow: ${line}`;
  return `memory: the run is too short to say whether it grew: ${line}`;
}

/** The slope of the line through the memory of these periods, and its standard error, in MB an hour; undefined for too few. */
export function growthPerHour(
  periods: readonly Pick<Period, 'atSeconds' | 'rssMb'>[],
): { slope: number; error: number } | undefined {
  const count = periods.length;
  if (count < FIT_PERIODS) return undefined;
  const mean = (of: (period: Pick<Period, 'atSeconds' | 'rssMb'>) => number) =>
    periods.reduce((sum, period) => sum + of(period), 0) / count;
  const hours = ({ atSeconds }: Pick<Period, 'atSeconds'>) => atSeconds / HOUR_SECONDS;
  const [meanHours, meanMb] = [mean(hours), mean(({ rssMb }) => rssMb)];
  let [across, along] = [0, 0];
  for (const period of periods) {
    across += (hours(period) - meanHours) ** 2;
    along += (hours(period) - meanHours) * (period.rssMb - meanMb);
  }
  const slope = along / across;
  const rest = periods.reduce(
    (sum, period) => sum + (period.rssMb - meanMb - slope * (hours(period) - meanHours)) ** 2,
    0,
  );
  return { slope, error: Math.sqrt(rest / (count - 2) / across) };
}
