import type { Clock } from '../local/clock.js';

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now: number;
  #alarmAt = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  /** Unix milliseconds. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  alarm(at: number, wake: () => void): void {
    this.#alarmAt = at;
    this.#wake = wake;
  }

  /** Every alarm on the way rings at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#alarmAt <= end) {
      this.#now = Math.max(this.#now, this.#alarmAt);
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#wake();
    }
    this.#now = end;
  }
}
