/** The grace after the limit: a handler that blocked the event loop leaves frames unread, and they are read first. */
const GRACE_MS = 250;

/** Calls `dead` once, when nothing was heard for longer than the limit. One timer, however much is heard. */
export class Silence {
  #heardAt = performance.now();
  #limitMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    limitMs: number,
    readonly dead: () => void,
  ) {
    this.#limitMs = limitMs;
    this.#arm(limitMs, false);
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  limit(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#arm(limitMs, false);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(wait: number, last: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const left = this.#heardAt + this.#limitMs - performance.now();
      if (left > 0) this.#arm(left, false);
      else if (last) this.dead();
      else this.#arm(GRACE_MS, true);
    }, wait);
  }
}
