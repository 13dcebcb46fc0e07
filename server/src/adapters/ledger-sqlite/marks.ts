import type { Store } from '../sqlite/store.js';
import type { Run } from './runs.js';

/** Ids that were begun, or accepted, together. */
export interface Mark extends Run {
  readonly state: 'begun' | 'accepted';
}

/** The statements on `dedupe`. Those that change something run inside `store.write`. */
export function marksOf(store: Store) {
  // A run keeps one row: what was begun together is mostly accepted together.
  const put = store.prepare(
    'INSERT OR REPLACE INTO dedupe (topic_id, stem, first, last, state, at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const select = store.prepare<Mark>(
    `SELECT stem, first, last, state FROM dedupe
     WHERE topic_id = ? AND stem = ? AND first <= ? AND last >= ? AND at > ?`,
  );
  const forget = store.prepare(
    `DELETE FROM dedupe WHERE (topic_id, stem, first, last) IN
       (SELECT topic_id, stem, first, last FROM dedupe WHERE at <= ? ORDER BY at LIMIT ?)`,
  );

  return {
    put(topic: number, { stem, first, last, state }: Mark, at: number): void {
      put.run(topic, stem, first, last, state, at);
    },
    /** Every mark since then that shares an id with the run. */
    find(topic: number, { stem, first, last }: Run, since: number): Mark[] {
      return select.all(topic, stem, last, first, since);
    },
    forget(before: number, limit: number): number {
      return forget.run(before, limit).changes;
    },
  };
}

export type Marks = ReturnType<typeof marksOf>;
