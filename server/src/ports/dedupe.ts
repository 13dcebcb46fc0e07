/**
 * Remembers which ids were accepted on a topic, for the dedupe window.
 *
 * Ids that differ in their last hex digits only, as the SDKs make them for one batch, are remembered together: a batch
 * then costs two small writes, however many messages it has.
 *
 * Failure contract: never a loss. An id is `accepted` only after `accepted()` was called for it. One that was begun and not
 * finished is `begun` where another gateway may still be at it, and `unsure` where that can't be (a crash, an outcome not
 * known); in the end it must be published again, marked to be verified. While the store is away, every id is `unsure`.
 */
export interface Dedupe {
  /** Marks ids as begun; answers what was known of each before. */
  begin(topic: string, ids: readonly string[]): Promise<Known[]>;
  /** The messages are durable. Never throws: at worst a retry makes a copy, which the ledger then drops. */
  accepted(topic: string, ids: readonly string[]): void;
}

export type Known = 'new' | 'begun' | 'unsure' | 'accepted';
