import type { SearchTerm } from '../../model/search-term.js';
import type { Store } from '../sqlite/store.js';
import type { Key } from './key.js';

/** What records, and what waits for its topic, are found by. Runs inside `store.write`. */
export function termsOf(store: Store) {
  // An id that is used anew is found by what it is now.
  const put = store.prepare(
    `INSERT OR REPLACE INTO terms (channel_id, topic_id, message_id, name, value, accepted_at) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const remove = store.prepare('DELETE FROM terms WHERE channel_id = ? AND topic_id = ? AND message_id = ?');
  const removeOld = store.prepare(
    'DELETE FROM terms WHERE channel_id = ? AND topic_id = ? AND message_id = ? AND accepted_at < ?',
  );

  return {
    put({ channel, topic, id }: Key, terms: readonly SearchTerm[], acceptedAt: number): void {
      for (const { name, value } of terms) put.run(channel, topic, id, name, value, acceptedAt);
    },
    forget({ channel, topic, id }: Key): void {
      remove.run(channel, topic, id);
    },
    /** Only those of a message that was accepted before. */
    forgetOld({ channel, topic, id }: Key, before: number): void {
      removeOld.run(channel, topic, id, before);
    },
  };
}

export type Terms = ReturnType<typeof termsOf>;
