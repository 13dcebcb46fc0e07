import type { Meter } from '../ports/telemetry.js';

/** Latencies inside a gateway, in seconds. */
export const LATENCY = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** How long messages wait, in seconds. */
export const WAIT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];
export const ENTRIES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** Counts in plain numbers: a value takes a few nanoseconds, and no object. */
export class Histogram implements Meter {
  readonly #counts: number[];
  #sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number, count = 1): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    (this.#counts[at] as number) += count;
    this.#sum += value * count;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** How many values were up to each bound. */
  get cumulative(): number[] {
    let sum = 0;
    return this.bounds.map((_, at) => {
      sum += this.#counts[at] ?? 0;
      return sum;
    });
  }
}
