/** The most messages that are held without being told to, unless more are handled at a time. */
const MOST = 1_000;
/** A sample counts for a fifth: a lone slow one changes little, and after ten the past is forgotten. */
const WEIGHT = 0.2;
/** What is sent must make a difference, and not too often. */
const CHANGE = 1.25;
const PAUSE_MS = 100;

/**
 * How many messages to hold, so that handlers find work while acks and new messages travel, and no more: what lies here waiting
 * is kept from other consumers. Handlers take concurrency ÷ handler time messages a millisecond; twice what they take in one round trip is held
 * besides those that are being handled.
 */
export class AutoCredit {
  readonly #concurrency: number;
  readonly #most: number;
  #credit: number;
  #changedAt = Number.NEGATIVE_INFINITY;
  #handlerMs: number | undefined;
  #tripMs: number | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
    this.#most = Math.max(MOST, concurrency);
    this.#credit = Math.min(this.#most, concurrency + 1);
  }

  get credit(): number {
    return this.#credit;
  }

  /** The gateway has answered after so long. */
  answered(ms: number): void {
    this.#tripMs = averaged(this.#tripMs, ms);
  }

  /** A handler has taken so long. `now`: `performance.now()`. Whether the credit is another one from now on. */
  handled(ms: number, now: number): boolean {
    this.#handlerMs = averaged(this.#handlerMs, ms);
    if (this.#tripMs === undefined || now - this.#changedAt < PAUSE_MS) return false;
    const ahead = Math.ceil((2 * this.#concurrency * this.#tripMs) / Math.max(this.#handlerMs, 0.001));
    const credit = Math.min(this.#most, this.#concurrency + Math.max(1, ahead));
    const little = credit < this.#credit * CHANGE && credit > this.#credit / CHANGE;
    if (little || credit === this.#credit) return false;
    this.#credit = credit;
    this.#changedAt = now;
    return true;
  }
}

function averaged(average: number | undefined, sample: number): number {
  return average === undefined ? sample : average + (sample - average) * WEIGHT;
}
