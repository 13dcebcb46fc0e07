import type { Buffered, HeldFrame } from './delivery.js';

/** What waits of one frame. */
export interface FramePart {
  readonly frame: HeldFrame;
  readonly items: Buffered[];
}

/** What waits on this gateway for credit, in order. */
export class Backlog {
  #items: Buffered[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The first in order. */
  get oldest(): Buffered | undefined {
    return this.#items[this.#head];
  }

  /** Something of a frame that came before this time, by the steady clock. What was put back may stand before what is older. */
  holdsOlder(than: number): boolean {
    for (let at = this.#head; at < this.#items.length; at++) {
      if ((this.#items[at]?.frame.arrivedAt ?? than) < than) return true;
    }
    return false;
  }

  add(item: Buffered): void {
    this.#items.push(item);
  }

  /** Before all others, in their order. */
  putBack(items: readonly Buffered[]): void {
    this.#items = items.concat(this.#items.slice(this.#head));
    this.#head = 0;
  }

  /** Up to `count`, of up to about so many bytes: the last one may go past. */
  take(count: number, bytes = Number.POSITIVE_INFINITY): Buffered[] {
    const end = Math.min(this.#head + count, this.#items.length);
    let at = this.#head;
    for (let left = bytes; at < end && (left > 0 || at === this.#head); at++) {
      left -= this.#items[at]?.message.wire.length ?? 0;
    }
    const items = this.#items.slice(this.#head, at);
    this.#head = at;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 4096) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return items;
  }

  /** What the broker took back comes again. */
  dropLost(): void {
    this.#items = this.#items.slice(this.#head).filter(({ frame }) => !frame.lost);
    this.#head = 0;
  }

  /** Everything, or what is of frames that came before this time by the steady clock, by the frames that it came in. */
  drain(before = Number.POSITIVE_INFINITY): FramePart[] {
    const byFrame = new Map<HeldFrame, Buffered[]>();
    const younger: Buffered[] = [];
    for (const item of this.take(this.size)) {
      const items = byFrame.get(item.frame);
      if (item.frame.arrivedAt >= before) younger.push(item);
      else if (items === undefined) byFrame.set(item.frame, [item]);
      else items.push(item);
    }
    this.#items = younger;
    return [...byFrame].map(([frame, items]) => ({ frame, items }));
  }
}
