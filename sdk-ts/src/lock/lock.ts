import type { Duration } from '../duration.js';

export interface LockOptions {
  /** How long to wait while somebody else has it: 0 (tries once) to 1 h. Default: the connection's `deadline`. */
  wait?: Duration;
  /** Gives up waiting: rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A lock that is held: renewed by itself at every third of its `ttl`, until it is released or lost. */
export interface Lock {
  readonly name: string;
  /** The fencing token: higher than that of every holder before. Hand it to what the lock protects, which refuses a lower one than it has seen. */
  readonly fence: number;
  /** Aborted, with LockLostError, when the lock is lost: the gateways could not be reached in time, or this process stood still. */
  readonly signal: AbortSignal;
  /** Frees it, so that others need not wait for its `ttl`. Never rejects: what can't be released runs out by itself. Safe twice. */
  release(): Promise<void>;
}

/** What the function of `withLock` is given. */
export type LockScope = Pick<Lock, 'fence' | 'signal'>;
