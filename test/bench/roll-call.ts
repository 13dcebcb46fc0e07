/** Who is there of messages that are numbered from 0: each must come, and what comes again is counted. */
export class RollCall {
  /** Acked or not, each that came. */
  distinct = 0;
  duplicated = 0;
  readonly #name: string;
  readonly #came: Uint8Array;

  /** `name` is of this run alone. */
  constructor(name: string, count: number) {
    this.#name = name;
    this.#came = new Uint8Array(count);
  }

  /** The ids grow with the numbers. */
  id(number: number): string {
    return `${this.#name}-${String(number).padStart(12, '0')}`;
  }

  /** Answers its number. */
  came(id: string): number {
    const number = Number(id.slice(this.#name.length + 1));
    const before = this.#came[number];
    if (before === undefined) throw new Error(`${id} is none of ${this.#name}`);
    if (before === 0) this.distinct++;
    else this.duplicated++;
    this.#came[number] = 1;
    return number;
  }

  get lost(): number {
    return this.#came.length - this.distinct;
  }
}
