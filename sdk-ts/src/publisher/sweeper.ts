/** The longest that a Node timer can wait. */
const LONGEST_MS = 2_147_483_647;

/**
 * One timer for the deadlines of all messages: a timer each would be the dearest part of a publish. It is set for the earliest
 * deadline; `sweep` answers the earliest of those that are left.
 */
export class Sweeper {
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  /** `sweep` is called with the time, and answers the next deadline in Unix milliseconds, Infinity for none. */
  constructor(readonly sweep: (now: number) => number) {}

  expect(deadline: number): void {
    if (deadline < this.#at) this.#arm(deadline);
  }

  /** Whether somebody waits for it: if nobody does, it does not keep the process alive. */
  hold(waited: boolean): void {
    if (waited) this.#timer?.ref();
    else this.#timer?.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  #arm(deadline: number): void {
    this.stop();
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#at = deadline;
    const wait = Math.min(LONGEST_MS, Math.max(1, deadline - Date.now()));
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#arm(this.sweep(Date.now()));
    }, wait);
  }
}
