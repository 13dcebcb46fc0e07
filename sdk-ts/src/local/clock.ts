/** The time, and one alarm. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `wake` once, at this time or a little later. The next alarm takes the place of one that has not rung; `Infinity` is none. */
  alarm(at: number, wake: () => void): void;
}

/** A clock that is set forward while it sleeps is noticed within this time. */
const LONGEST_SLEEP_MS = 60_000;

/** The machine's own. */
export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | undefined;

  now(): number {
    return Date.now();
  }

  alarm(at: number, wake: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(wake, Math.min(LONGEST_SLEEP_MS, Math.max(0, at - Date.now())));
  }
}
