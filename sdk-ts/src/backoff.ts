/** Growing waits between tries: each is between half and the whole of a value that doubles from `initialMs` to `maxMs`. */
export class Backoff {
  #tries = 0;

  constructor(
    readonly initialMs = 50,
    readonly maxMs = 2_000,
    readonly random: () => number = Math.random,
  ) {}

  /** The next wait, in milliseconds. */
  next(): number {
    return backoffDelay(this.#tries++, this.initialMs, this.maxMs, this.random);
  }

  /** It worked: the next wait is a short one. */
  reset(): void {
    this.#tries = 0;
  }
}

/** The wait after `failures` (0, 1, …) earlier ones, in milliseconds. */
export function backoffDelay(
  failures: number,
  initialMs = 50,
  maxMs = 2_000,
  random: () => number = Math.random,
): number {
  const longest = Math.min(maxMs, initialMs * 2 ** failures);
  return (longest * (1 + random())) / 2;
}
