import { BusError } from '../model/errors.js';

/** Counts what is open at a time, up to a limit that the config sets. */
export class Limit {
  #open = 0;
  /** How often one more was asked for in vain. */
  refused = 0;

  constructor(
    /** What is counted, in words that follow the number: `streams`. */
    private readonly what: string,
    /** The config key. */
    private readonly key: string,
    private readonly most: number,
  ) {}

  get open(): number {
    return this.#open;
  }

  /** One more; `leave` follows. Throws OVERLOADED when there are as many as may be. */
  enter(): void {
    if (this.#open >= this.most) {
      this.refused++;
      throw overLimit(this.what, this.key, this.most);
    }
    this.#open++;
  }

  leave(): void {
    this.#open--;
  }
}

export function overLimit(what: string, key: string, most: number): BusError {
  return new BusError('OVERLOADED', `there are ${most} ${what} already (config ${key}): try again later`, {
    limit: `${most} ${what} (config ${key})`,
    key,
  });
}
