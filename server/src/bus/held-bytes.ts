/** Once full, it stays so until no more than this share of the limit is held. */
const RESUME = 0.75;

/** Adds to what one channel holds; less than 0 lets go. */
export type HeldAccount = (bytes: number) => void;

/** The bytes of messages that this gateway holds for its consumers, waiting or unsettled, over all channels. */
export class HeldBytes {
  #held = 0;
  #full = false;
  /** Channels that hold something. */
  #busy = 0;

  constructor(
    private readonly limit: number,
    /** `full` has changed. */
    private readonly changed: () => void,
  ) {}

  get held(): number {
    return this.#held;
  }

  /** What a channel may hold: a fair share of the limit; 0, which stands for one frame, when the gateway holds too much. */
  get share(): number {
    return this.#full ? 0 : this.limit / Math.max(1, this.#busy);
  }

  /** The account of one more channel. */
  account(): HeldAccount {
    let held = 0;
    return (bytes) => {
      if (held > 0) this.#busy--;
      held += bytes;
      if (held > 0) this.#busy++;
      this.#add(bytes);
    };
  }

  #add(bytes: number): void {
    this.#held += bytes;
    const full = this.#held > this.limit * (this.#full ? RESUME : 1);
    if (full === this.#full) return;
    this.#full = full;
    this.changed();
  }
}
