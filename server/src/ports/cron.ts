import type { Message } from '../model/message.js';
import type { SearchTerm } from '../model/search-term.js';

/** What is published again and again, and when. */
export interface CronDraft {
  readonly topic: string;
  readonly expression: string;
  /** Empty: UTC. */
  readonly zone: string;
  readonly missed: CronMissed;
  /** A `waybill.v1.Message` without an id. */
  readonly wire: Uint8Array;
  /** The first tick, Unix milliseconds; undefined: none comes. */
  readonly nextAt: number | undefined;
}

/** What becomes of ticks that nobody was there for: once for all of them, or left out. */
export type CronMissed = 'once' | 'skip';

export interface CronEntry extends CronDraft {
  /** Its own: no other entry ever has it. */
  readonly number: number;
  readonly name: string;
  readonly paused: boolean;
  /** Unix milliseconds, as all times here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Undefined while it is paused. */
  readonly nextAt: number | undefined;
  /** The last tick that was published; 0: none yet. */
  readonly lastAt: number;
  /** Empty: none yet. */
  readonly lastId: string;
}

/** An entry as it was read: once an operator has changed it, it is another. */
export type CronReading = Pick<CronEntry, 'number' | 'updatedAt'>;

/**
 * The entries, by an operator's word.
 *
 * Failure contract: every call is one commit, and rejects with LEDGER_UNAVAILABLE, at once, when it cannot be made.
 */
export interface CronBook {
  /** Undefined: the name is taken. */
  add(
    name: string,
    draft: CronDraft,
    terms: { readonly paused: boolean; readonly now: number },
  ): Promise<CronEntry | undefined>;
  /** Paused, it stays so. Undefined: there is none of this name; so with the next. */
  replace(name: string, draft: CronDraft, now: number): Promise<CronEntry | undefined>;
  /** `nextAt` undefined: none comes, or it is paused. */
  pause(name: string, paused: boolean, nextAt: number | undefined, now: number): Promise<CronEntry | undefined>;
  find(name: string): Promise<CronEntry | undefined>;
  /** By name, from behind `after` on. */
  list(
    filter: { readonly topic: string; readonly prefix: string; readonly after: string },
    limit: number,
  ): Promise<CronEntry[]>;
  /** False: there is none. */
  remove(name: string): Promise<boolean>;
  countOf(topic: string): Promise<number>;
  /** Answers how many there were. */
  removeOf(topic: string): Promise<number>;
}

/**
 * The entries' ticks. Whoever makes one moves the entry to its next in the same commit, and only from the tick that it stands at:
 * so each is made once, however many try, and wherever they crash.
 *
 * Failure contract: as the book's; all is safe to repeat.
 */
export interface CronTicks {
  /** Entries whose tick is at `now` or before, the earliest first, but for those of `except`. */
  due(now: number, limit: number, except?: readonly CronReading[]): Promise<CronEntry[]>;
  /** The earliest tick of all, but for those of `except`; undefined when none comes. */
  next(except?: readonly CronReading[]): Promise<number | undefined>;
  /** The message waits for its topic, due at the tick, and the entry for its next. False: the entry has changed since, and nothing happened. */
  fire(entry: CronEntry, tick: CronTick): Promise<boolean>;
  /** The entry waits for its next, without a message. False as with `fire`. */
  skip(entry: CronEntry, nextAt: number | undefined): Promise<boolean>;
}

export interface CronTick {
  readonly at: number;
  readonly message: Message;
  readonly terms: readonly SearchTerm[] | undefined;
  /** Undefined: none comes any more. */
  readonly nextAt: number | undefined;
}
