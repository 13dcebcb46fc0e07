import type { Message } from '../model/message.js';
import type { Buffered } from './delivery.js';

/**
 * The messages of one channel that the ledger is being asked about. Of each, one copy at a time: were two asked about at once, each would
 * count as an attempt, and both be handed out.
 */
export class Asking {
  readonly #messages = new Set<string>();
  #copies: Buffered[] = [];

  /** True when a copy of it is being asked about: it is kept here, for what becomes of that. */
  waits(item: Buffered): boolean {
    if (this.#messages.size === 0 || !this.#messages.has(keyOf(item.message))) return false;
    // It may have been out, and even be settled, by the time that it is looked at again.
    this.#copies.push({ ...item, verify: true });
    return true;
  }

  begin({ message }: Buffered): void {
    this.#messages.add(keyOf(message));
  }

  /** They are handed out, or are not to be. Answers the copies that waited meanwhile, to be looked at anew. */
  end(items: readonly Buffered[]): Buffered[] {
    for (const { message } of items) this.#messages.delete(keyOf(message));
    const copies = this.#copies;
    this.#copies = [];
    return copies;
  }
}

/** No topic has a slash. */
function keyOf({ topic, id }: Message): string {
  return `${topic}/${id}`;
}
