/** The time, so that tests can set it. */
export interface Clock {
  /** Unix milliseconds. An operator or a time server may set it, forth and back. */
  now(): number;
  /** Whole milliseconds since some moment before the start: nobody sets it. For how long something takes, or has been. */
  steady(): number;
}

export const systemClock: Clock = { now: () => Date.now(), steady: () => Math.trunc(performance.now()) };
