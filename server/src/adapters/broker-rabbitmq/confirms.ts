/**
 * What was written to a confirm channel and not confirmed yet, by delivery tag (1, 2, …, as the broker counts).
 *
 * A ring instead of a Map: tags are consecutive and confirmed nearly in order, so a lookup is a mask, and a confirm of many
 * (`multiple`) walks exactly those that it confirms.
 */
export class Confirms<T> {
  #slots: (T | undefined)[] = new Array(1024).fill(undefined);
  /** The lowest tag that may be unconfirmed. */
  #low = 1;
  #next = 1;

  /** The tag that the broker gives to what is written next. */
  get next(): number {
    return this.#next;
  }

  /** Whether everything is confirmed. */
  get isEmpty(): boolean {
    return this.#low === this.#next;
  }

  /** What has waited longest. */
  get oldest(): T | undefined {
    return this.get(this.#low);
  }

  add(item: T): void {
    if (this.#next - this.#low === this.#slots.length) this.#grow();
    this.#slots[this.#next & (this.#slots.length - 1)] = item;
    this.#next++;
  }

  get(tag: number): T | undefined {
    if (tag < this.#low || tag >= this.#next) return undefined;
    return this.#slots[tag & (this.#slots.length - 1)];
  }

  /** Takes out what one confirm is about, and hands each to `settle`. Tags that are not known are passed over. */
  settle(tag: number, multiple: boolean, settle: (item: T) => void): void {
    if (multiple) {
      // A tag of 0 means everything.
      const last = tag === 0 ? this.#next - 1 : Math.min(tag, this.#next - 1);
      for (let each = this.#low; each <= last; each++) this.#take(each, settle);
    } else if (tag >= this.#low && tag < this.#next) {
      this.#take(tag, settle);
    }
    const mask = this.#slots.length - 1;
    while (this.#low < this.#next && this.#slots[this.#low & mask] === undefined) this.#low++;
  }

  forEach(visit: (item: T) => void): void {
    const mask = this.#slots.length - 1;
    for (let tag = this.#low; tag < this.#next; tag++) {
      const item = this.#slots[tag & mask];
      if (item !== undefined) visit(item);
    }
  }

  #take(tag: number, settle: (item: T) => void): void {
    const index = tag & (this.#slots.length - 1);
    const item = this.#slots[index];
    if (item === undefined) return;
    this.#slots[index] = undefined;
    settle(item);
  }

  #grow(): void {
    const grown: (T | undefined)[] = new Array(this.#slots.length * 2).fill(undefined);
    for (let tag = this.#low; tag < this.#next; tag++) {
      grown[tag & (grown.length - 1)] = this.#slots[tag & (this.#slots.length - 1)];
    }
    this.#slots = grown;
  }
}
