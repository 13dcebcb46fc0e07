import type { FullChannel } from './waiting-publish.js';

/** The most ids that are remembered; past it, the oldest are forgotten. */
const MOST = 100_000;

/** The ids that publishers gave their messages, for as long as the dedupe window. */
export class KnownIds {
  readonly #windowMs: number;
  /** When each was accepted, oldest first. */
  readonly #accepted = new Map<string, number>();
  /** Of publishes that were given up: which channels have not got the message. */
  readonly #missing = new Map<string, readonly FullChannel[]>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** False when this id of the topic was accepted before. */
  accept(topic: string, id: string, now: number): boolean {
    for (const [key, at] of this.#accepted) {
      if (at + this.#windowMs > now && this.#accepted.size < MOST) break;
      this.#accepted.delete(key);
    }
    const key = `${topic}/${id}`;
    if (this.#accepted.has(key)) return false;
    this.#accepted.set(key, now);
    return true;
  }

  /** A publish was given up: published again, the message goes only to the channels that have not got it. */
  gaveUp(topic: string, id: string, missing: readonly FullChannel[]): void {
    const [oldest] = this.#missing.keys();
    if (oldest !== undefined && this.#missing.size >= MOST) this.#missing.delete(oldest);
    this.#missing.set(`${topic}/${id}`, missing);
  }

  /** The channels that have not got it, when the publish before was given up. */
  takeMissing(topic: string, id: string): readonly FullChannel[] | undefined {
    const key = `${topic}/${id}`;
    const missing = this.#missing.get(key);
    if (missing !== undefined) this.#missing.delete(key);
    return missing;
  }
}
