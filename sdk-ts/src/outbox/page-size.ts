/** The rows of one read: as many as `most`, or fewer while bodies are large. It begins small, as nothing is known of them. */
export class PageSize {
  #rows: number;

  constructor(
    readonly most: number,
    readonly bytes = 8 << 20,
  ) {
    this.#rows = Math.min(most, 64);
  }

  get rows(): number {
    return this.#rows;
  }

  /** What a page held. */
  saw(rows: number, bytes: number): void {
    if (rows === 0) return;
    const fitting = Math.floor(this.bytes / Math.max(1, bytes / rows));
    this.#rows = Math.max(1, Math.min(this.most, fitting, this.#rows * 4));
  }
}
