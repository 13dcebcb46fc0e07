import type { LockKey } from '../model/lock.js';

/**
 * Locks that clients hold, across gateways and apart from the gateways' own (`Locks`): whoever has the key renews and releases,
 * by any gateway.
 *
 * Failure contract: at most one holder a name, as long as no holder outlives its `ttlMs`; one that does is refused by its fence,
 * which grows with every `acquire` of the name. While the store is away each rejects with LOCKS_UNAVAILABLE; what was asked may
 * have been done all the same: a lock that was taken so is free after its `ttlMs`.
 */
export interface ClientLocks {
  /** Undefined when somebody else holds it. */
  acquire(name: string, ttlMs: number): Promise<ClientLock | undefined>;
  /** For `ttlMs` from now. False: it is lost. */
  renew(key: LockKey, ttlMs: number): Promise<boolean>;
  /** False: it was not held any more. */
  release(key: LockKey): Promise<boolean>;
}

export interface ClientLock extends LockKey {
  /** Below 2^53. */
  readonly fence: number;
}
