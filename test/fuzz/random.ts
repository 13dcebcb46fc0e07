/** A stream of choices that a seed makes again. */
export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** `WAYBILL_FUZZ_SEED` repeats a run. */
  static fromEnvironment(): Random {
    const given = process.env.WAYBILL_FUZZ_SEED;
    return new Random(given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given));
  }

  /** 0 to `below` - 1 (mulberry32). */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.int(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.int(choices.length)];
    if (choice === undefined) throw new Error('there is nothing to pick from');
    return choice;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.int(256);
    return bytes;
  }

  /** Characters that protocols give a meaning to, and others. */
  text(length: number): string {
    const characters = ' \t\r\n\0:;,/?#%&=*"\'\\{}[]<>@._-09azAZ\u007fäß€😀';
    return Array.from({ length }, () => this.pick([...characters])).join('');
  }
}
