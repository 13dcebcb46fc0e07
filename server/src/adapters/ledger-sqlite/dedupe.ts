import type { Dedupe, Known } from '../../ports/dedupe.js';
import type { Store } from '../sqlite/store.js';
import { type Mark, type Marks, marksOf } from './marks.js';
import { placeOf, runsOf } from './runs.js';
import { Topics } from './topics.js';

export interface SqliteDedupeOptions {
  /** How long an id is remembered, in seconds; 0 remembers nothing. */
  readonly windowSeconds: number;
}

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
/** After so many marks the oldest are looked through, twice as many at a time: removing keeps up with marking, without a timer. */
const FORGET_EVERY = 256;
const NO_MARKS: readonly Mark[] = [];

/**
 * The dedupe window in the data file.
 *
 * `begin` answers without waiting: its mark stands in the store's queue before the publish that follows, so it commits no
 * later than that does. What stands in the queue is known from memory.
 */
export class SqliteDedupe implements Dedupe {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #marks: Marks;
  readonly #windowMs: number;
  readonly #pending = new Map<string, Set<Mark>>();
  #marked = 0;

  constructor(store: Store, { windowSeconds }: SqliteDedupeOptions) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#marks = marksOf(store);
    this.#windowMs = windowSeconds * 1_000;
  }

  async begin(topic: string, ids: readonly string[]): Promise<Known[]> {
    if (this.#windowMs === 0) return ids.map(() => 'new');
    if (this.#store.health() !== undefined) return ids.map(() => 'unsure');
    let known: Known[];
    try {
      known = this.#store.read(UNAVAILABLE, () => this.#known(topic, ids));
    } catch (error) {
      this.#store.logger.warn({ error, topic }, 'could not read which ids are known');
      return ids.map(() => 'unsure');
    }
    this.#mark(
      topic,
      ids.filter((_, i) => known[i] !== 'accepted'),
      'begun',
    );
    return known;
  }

  accepted(topic: string, ids: readonly string[]): void {
    if (this.#windowMs > 0) this.#mark(topic, ids, 'accepted');
  }

  /** Removes up to `limit` marks from before `before` (Unix milliseconds); answers how many. Marking does this by itself. */
  forget(before: number, limit: number): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => this.#marks.forget(before, limit));
  }

  #known(topic: string, ids: readonly string[]): Known[] {
    const number = this.#topics.find(topic);
    const since = this.#store.clock.now() - this.#windowMs;
    const marks = new Map<string, readonly Mark[]>();
    for (const run of runsOf(ids)) {
      const stored = number === undefined ? NO_MARKS : this.#marks.find(number, run, since);
      const pending = this.#pending.get(pendingKey(topic, run.stem)) ?? NO_MARKS;
      marks.set(run.stem, [...(marks.get(run.stem) ?? NO_MARKS), ...stored, ...pending]);
    }
    return ids.map((id) => {
      const { stem, place } = placeOf(id);
      let known: Known = 'new';
      for (const { first, last, state } of marks.get(stem) ?? NO_MARKS) {
        if (place < first || place > last) continue;
        if (state === 'accepted') return 'accepted';
        known = 'unsure';
      }
      return known;
    });
  }

  #mark(topic: string, ids: readonly string[], state: Mark['state']): void {
    if (ids.length === 0) return;
    const now = this.#store.clock.now();
    const marks: Mark[] = runsOf(ids).map((run) => ({ ...run, state }));
    for (const mark of marks) this.#expect(topic, mark);
    this.#marked += marks.length;
    const forgetting = this.#marked >= FORGET_EVERY;
    if (forgetting) this.#marked = 0;
    this.#store
      .write(UNAVAILABLE, () => {
        const number = this.#topics.number(topic);
        for (const mark of marks) this.#marks.put(number, mark, now);
        if (forgetting) this.#marks.forget(now - this.#windowMs, 2 * FORGET_EVERY);
      })
      .catch((error: unknown) => this.#store.logger.warn({ error, topic, state }, 'could not remember ids'))
      .finally(() => {
        for (const mark of marks) this.#settled(topic, mark);
      });
  }

  #expect(topic: string, mark: Mark): void {
    const key = pendingKey(topic, mark.stem);
    const others = this.#pending.get(key);
    if (others === undefined) this.#pending.set(key, new Set([mark]));
    else others.add(mark);
  }

  #settled(topic: string, mark: Mark): void {
    const key = pendingKey(topic, mark.stem);
    const others = this.#pending.get(key);
    others?.delete(mark);
    if (others?.size === 0) this.#pending.delete(key);
  }
}

/** No topic holds a slash. */
function pendingKey(topic: string, stem: string): string {
  return `${topic}/${stem}`;
}
