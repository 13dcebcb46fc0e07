import type { Message } from '../model/message.js';
import type { Buffered } from './delivery.js';

/**
 * The messages of one channel that the ledger is being asked about. Of each, one copy at a time: were two asked about at once, each would
 * count as an attempt, and both be handed out.
 */
export class Asking {
  /** With the copies that wait for what becomes of each. */
  readonly #messages = new Map<string, Buffered[]>();

  /** True when a copy of it is being asked about: it is kept here, for what becomes of that. */
  waits(item: Buffered): boolean {
    if (this.#messages.size === 0) return false;
    const copies = this.#messages.get(keyOf(item.message));
    // It may have been out, and even be settled, by the time that it is looked at again.
    copies?.push({ ...item, verify: true });
    return copies !== undefined;
  }

  begin({ message }: Buffered): void {
    this.#messages.set(keyOf(message), []);
  }

  /** They are handed out, or are not to be. Answers the copies that waited for them, to be looked at anew. */
  end(items: readonly Buffered[]): Buffered[] {
    return items.flatMap(({ message }) => {
      const key = keyOf(message);
      const copies = this.#messages.get(key) ?? [];
      this.#messages.delete(key);
      return copies;
    });
  }
}

/** No topic has a slash. */
function keyOf({ topic, id }: Message): string {
  return `${topic}/${id}`;
}
