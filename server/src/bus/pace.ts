const WINDOW_MS = 100;
/** Without a hand-out for this long, the channel starts anew. */
const IDLE_MS = 1_000;
/** A quorum queue under load takes up to 40 ms from the ack of one frame to the next frame. */
const AHEAD_MS = 100;

/**
 * How fast a channel hands out, and so how much it should hold to hand out without a pause. Credit does not tell: 64 clients
 * that pull one message each ask for 64 messages or for none from one moment to the next, and at 2 frames they would wait
 * for the broker half of the time.
 */
export class Pace {
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;
  /** Messages a millisecond, in the last window. */
  #rate = 0;

  /** `now` by the steady clock, in milliseconds. */
  passed(count: number, now: number): void {
    this.#roll(now);
    this.#count += count;
  }

  /** Messages to hold. A power of two, as every change costs the broker something. */
  ahead(now: number): number {
    this.#roll(now);
    const messages = this.#rate * AHEAD_MS;
    return messages < 1 ? 0 : 2 ** Math.ceil(Math.log2(messages));
  }

  #roll(now: number): void {
    const passed = now - this.#since;
    if (passed >= 0 && passed < WINDOW_MS) return;
    this.#rate = passed >= 0 && passed < IDLE_MS ? this.#count / passed : 0;
    this.#count = 0;
    this.#since = now;
  }
}
