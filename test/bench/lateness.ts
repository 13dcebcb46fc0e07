import { quantile } from './figures.js';

export interface LatenessFigures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** How many came before their time: none may. */
  readonly early: number;
}

/** Milliseconds from when something was due to when it came. */
export class Lateness {
  #values: number[] = [];
  #early = 0;

  came(dueAt: number): void {
    const ms = Date.now() - dueAt;
    if (ms < 0) this.#early++;
    this.#values.push(ms);
  }

  /** Of what came since the last question. */
  take(): LatenessFigures {
    const sorted = Float64Array.from(this.#values).sort();
    const early = this.#early;
    this.#values = [];
    this.#early = 0;
    if (sorted.length === 0) return { p50: 0, p99: 0, max: 0, early };
    const values = Array.from(sorted);
    return { p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: quantile(values, 1), early };
  }
}
