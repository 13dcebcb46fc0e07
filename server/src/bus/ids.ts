import { randomBytes } from 'node:crypto';

/**
 * Makes message ids: UUIDv7, where the ids of one batch differ in their last four hex digits only. So a batch is one run in
 * the dedupe window and one range in the ledger's index, however many messages it has.
 */
export class IdSource {
  #prefix = '';
  #counter = 0;
  #at = -1;

  /** The next id; `now` in Unix milliseconds. */
  next(now: number): string {
    if (now !== this.#at || this.#counter > 0xffff) this.#renew(now);
    return this.#prefix + (this.#counter++).toString(16).padStart(4, '0');
  }

  #renew(now: number): void {
    const time = now.toString(16).padStart(12, '0');
    const random = randomBytes(8);
    random[0] = ((random[0] ?? 0) & 0x0f) | 0x70;
    random[2] = ((random[2] ?? 0) & 0x3f) | 0x80;
    const tail = random.toString('hex');
    this.#prefix = `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
    this.#counter = 0;
    this.#at = now;
  }
}

/**
 * Numbers for hand-outs, unique with a chance of one in two million between any two gateway processes, and always within one:
 * 21 random bits, then 32 counted ones.
 */
export class NonceSource {
  #epoch = randomEpoch();
  #counter = 0;

  next(): number {
    if (this.#counter === 0x1_0000_0000) {
      this.#epoch = randomEpoch();
      this.#counter = 0;
    }
    return this.#epoch + this.#counter++;
  }
}

function randomEpoch(): number {
  return (randomBytes(4).readUInt32BE() >>> 11) * 0x1_0000_0000;
}
