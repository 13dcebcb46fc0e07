export interface PrefetchOptions {
  /** The most frames that a channel may hold unsettled here; 0: as credit says. Config `PrefetchCount`. */
  readonly limit: number;
  /** About how many bytes a channel may hold here. */
  readonly bytes: number;
}

/** How much each new frame counts for the averages. */
const WEIGHT = 1 / 16;
/** As long as no frame has told how large they are, at most so many are asked for, and each is taken for so large. */
const FIRST_FRAMES = 32;
const FIRST_BYTES = 256 * 1024;

/** Turns credit, which counts messages, into the broker's prefetch, which counts frames. */
export class Prefetch {
  #messages = 1;
  #bytes = 0;
  #toldMessages = 1;
  #toldBytes = 0;

  constructor(private readonly options: PrefetchOptions) {}

  /** A frame, on the average. */
  get messages(): number {
    return this.#messages;
  }

  /** Learns from a frame. True when frames have become so much larger or smaller that the prefetch should be set anew. */
  observe(messages: number, bytes: number): boolean {
    const weight = this.#bytes === 0 ? 1 : WEIGHT;
    this.#messages += (messages - this.#messages) * weight;
    this.#bytes += (bytes - this.#bytes) * weight;
    if (isNear(this.#messages, this.#toldMessages) && isNear(this.#bytes, this.#toldBytes)) return false;
    this.#toldMessages = this.#messages;
    this.#toldBytes = this.#bytes;
    return true;
  }

  /**
   * The frames to hold unsettled: those that are here, and as many as bring half as many messages again as the credit takes, and
   * one, so that the next are here before the last one's tail is settled. `held` counts what is here: frames of another size than
   * the average must not stand in the way of those to come. `lean`: no more than the credit takes, because other gateways are
   * hungry. `bytes`: what the channel may hold; less than a frame stands for one.
   */
  frames(
    credit: number,
    held: { readonly frames: number; readonly messages: number },
    lean: boolean,
    bytes: number,
  ): number {
    if (credit === 0) return 0;
    if (bytes < this.#bytes || bytes === 0) return 1;
    const missing = Math.max(0, Math.ceil((credit * 1.5 - held.messages) / this.#messages + 1));
    // Rounded only while something is missing: else each round would let one more in.
    const ample = missing === 0 ? Math.max(1, held.frames) : roundUp(held.frames + missing);
    const wanted = lean ? Math.ceil(credit / this.#messages) : ample;
    const most = Math.min(bytes, this.options.bytes);
    const known = this.#bytes !== 0;
    const fitting = Math.max(2, Math.floor(most / (known ? this.#bytes : FIRST_BYTES)));
    const { limit } = this.options;
    return Math.min(wanted, fitting, known ? wanted : FIRST_FRAMES, limit === 0 ? wanted : limit);
  }
}

function isNear(value: number, told: number): boolean {
  return value < told * 1.5 && value > told / 1.5;
}

/** To steps of about a fifth: a change costs the broker work, and small ones are worth none. */
function roundUp(frames: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(frames)) - 2);
  return Math.ceil(frames / step) * step;
}
