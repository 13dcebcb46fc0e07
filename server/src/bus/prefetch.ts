export interface PrefetchOptions {
  /** The most frames that a channel may hold unsettled here; 0: as credit says. Config `PrefetchCount`. */
  readonly limit: number;
  /** About how many bytes a channel may hold here. */
  readonly bytes: number;
}

/** How much each new frame counts for the averages. */
const WEIGHT = 1 / 16;

/** Turns credit, which counts messages, into the broker's prefetch, which counts frames. */
export class Prefetch {
  #messages = 1;
  #bytes = 0;
  #told = 1;

  constructor(private readonly options: PrefetchOptions) {}

  /** Learns from a frame. True when frames have become so much larger or smaller that the prefetch should be set anew. */
  observe(messages: number, bytes: number): boolean {
    this.#messages += (messages - this.#messages) * WEIGHT;
    this.#bytes += (bytes - this.#bytes) * WEIGHT;
    if (this.#messages < this.#told * 1.5 && this.#messages > this.#told / 1.5) return false;
    this.#told = this.#messages;
    return true;
  }

  /**
   * The frames to hold unsettled: those that are here, and as many as bring half as many messages again as the credit takes, and
   * one, so that the next are here before the last one's tail is settled. `held` counts what is here: frames of another size than
   * the average must not stand in the way of those to come.
   */
  frames(credit: number, held: { readonly frames: number; readonly messages: number }): number {
    if (credit === 0) return 0;
    const missing = Math.max(0, Math.ceil((credit * 1.5 - held.messages) / this.#messages + 1));
    // Rounded only while something is missing: else each round would let one more in.
    const wanted = missing === 0 ? Math.max(1, held.frames) : roundUp(held.frames + missing);
    const fitting = this.#bytes === 0 ? wanted : Math.max(2, Math.floor(this.options.bytes / this.#bytes));
    const { limit } = this.options;
    return Math.min(wanted, fitting, limit === 0 ? wanted : limit);
  }
}

/** To steps of about a fifth: a change costs the broker work, and small ones are worth none. */
function roundUp(frames: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(frames)) - 2);
  return Math.ceil(frames / step) * step;
}
