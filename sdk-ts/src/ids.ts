import { randomFillSync } from 'node:crypto';

/**
 * Makes ids for batches of messages: UUIDv7 whose last four hex digits count inside the batch. The first 32 characters are the
 * same for all messages of one batch, so that the gateway remembers a batch by one mark.
 *
 * Layout: 48 bits of Unix milliseconds, version, 12 bits that count the batches of one millisecond, variant, 46 random bits,
 * 16 bits of counter. Prefixes of one maker grow with every batch.
 */
export class IdMaker {
  #lastMs = 0;
  #batch = 0;
  readonly #random = new Uint8Array(6);

  constructor(readonly now: () => number = Date.now) {}

  /** The first 32 characters of a new batch's ids. */
  prefix(): string {
    const now = this.now();
    randomFillSync(this.#random);
    const [r0 = 0, r1 = 0, r2 = 0, r3 = 0, r4 = 0, r5 = 0] = this.#random;
    if (now > this.#lastMs) {
      this.#lastMs = now;
      this.#batch = 0;
    } else if (++this.#batch > 0xfff) {
      // A clock that stands still or goes back: the time is borrowed from the future, so that ids still grow.
      this.#lastMs++;
      this.#batch = 0;
    }
    const time = this.#lastMs.toString(16).padStart(12, '0');
    const count = this.#batch.toString(16).padStart(3, '0');
    const clock = hex2(0x80 | (r0 & 0x3f)) + hex2(r1);
    const node = hex2(r2) + hex2(r3) + hex2(r4) + hex2(r5);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${clock}-${node}`;
  }
}

/** The id of the `index`th message (0 to 65,535) of the batch with this prefix. */
export function batchId(prefix: string, index: number): string {
  return prefix + hex2((index >>> 8) & 0xff) + hex2(index & 0xff);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex2(byte: number): string {
  return HEX[byte] ?? '';
}
