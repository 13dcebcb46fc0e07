import type { ClientLock } from './client-locks.js';

/**
 * Who holds which client lock, for an operator. The locks do not depend on it: where it knows nothing of one, they are as good.
 *
 * Failure contract: what is noted may be lost; `list` and `release` reject with LOCKS_UNAVAILABLE while the store is away. What is
 * listed is held, as the store says at that moment.
 */
export interface LockRegister {
  acquired(lock: ClientLock, facts: LockFacts): void;
  /** `until` as in the facts. */
  renewed(name: string, until: number): void;
  released(name: string): void;
  /** By name; the first `MAX_LISTED_LOCKS` to run out. */
  list(): Promise<HeldLock[]>;
  /** Ends a lock, whoever holds it. False: nobody does. */
  release(name: string): Promise<boolean>;
}

export const MAX_LISTED_LOCKS = 10_000;

export interface LockFacts {
  readonly holder: string;
  /** Unix milliseconds: since when, and when it runs out. */
  readonly since: number;
  readonly until: number;
}

export interface HeldLock extends LockFacts {
  readonly name: string;
  /** Of the holder's token; see model/lock.ts. */
  readonly tokenHash: string;
  /** 0: not known; so with `since`, and an empty `holder` and `node`. */
  readonly fence: number;
  /** The gateway that handed it out. */
  readonly node: string;
}
