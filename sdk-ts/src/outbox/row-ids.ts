import { batchId, IdMaker } from '../ids.js';

/** How long ids share their beginning, which the bus's dedupe window keeps but once. */
const PREFIX_MS = 100;
const PREFIX_IDS = 0x10000;

/** UUIDv7s for rows: those of one moment differ in their last four digits only, as those of a publisher's batch do. */
export class RowIds {
  readonly #maker: IdMaker;
  #prefix = '';
  #used = PREFIX_IDS;
  #since = 0;

  constructor(readonly now: () => number = Date.now) {
    this.#maker = new IdMaker(now);
  }

  next(): string {
    const now = this.now();
    if (this.#used === PREFIX_IDS || Math.abs(now - this.#since) >= PREFIX_MS) {
      this.#prefix = this.#maker.prefix();
      this.#used = 0;
      this.#since = now;
    }
    return batchId(this.#prefix, this.#used++);
  }
}
