import type { Totals } from '../../ports/node-board.js';

export interface Sample {
  /** By the steady clock, in milliseconds. */
  readonly at: number;
  readonly totals: Totals;
}

/** Messages a second from the first sample to the last. Samples closer than this tell nothing, in milliseconds. */
const MIN_SPAN_MS = 200;

export function ratesOf(samples: readonly Sample[]): Totals {
  const first = samples[0];
  const last = samples.at(-1);
  const span = first === undefined || last === undefined ? 0 : last.at - first.at;
  const rate = (kind: keyof Totals) => {
    if (first === undefined || last === undefined || span < MIN_SPAN_MS) return 0;
    return ((last.totals[kind] - first.totals[kind]) * 1_000) / span;
  };
  return {
    published: rate('published'),
    delivered: rate('delivered'),
    acked: rate('acked'),
    retried: rate('retried'),
    dead: rate('dead'),
    expired: rate('expired'),
  };
}
