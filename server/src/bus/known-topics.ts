import { checkTopic } from '../model/topic.js';
import { overLimit } from './limit.js';

/** Topics that nobody published to for this long, at the most for twice as long, are forgotten. */
const AGE_MS = 3_600_000;

/**
 * The topics that were published to lately. It saves checking a name for every message, and finds publishers that make topics
 * without end, such as one for each order.
 */
export class KnownTopics {
  #young = new Set<string>();
  #old = new Set<string>();
  #agedAt = 0;

  /** Config `MaxTopics`. */
  constructor(private readonly most: number) {}

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Throws TOPIC_INVALID for what is no topic, OVERLOADED for one too many. */
  check(topic: string, field: string, now: number): void {
    if (this.#young.has(topic)) return;
    checkTopic(topic, field);
    if (now - this.#agedAt >= AGE_MS) this.#age(now);
    if (!this.#old.delete(topic) && this.size >= this.most) {
      throw overLimit('topics that were published to lately', 'MaxTopics', this.most);
    }
    this.#young.add(topic);
  }

  #age(now: number): void {
    this.#old = this.#young;
    this.#young = new Set();
    this.#agedAt = now;
  }
}
