import type { Dependency } from './service.js';

/**
 * Locks across gateways.
 *
 * Failure contract: at most one holder a name, as long as no holder outlives its `ttlMs`; one that does is refused by its
 * fencing token, which grows with every `acquire` of the name. While the store is away `acquire` answers undefined and
 * `renew` answers false once the lock may have run out.
 */
export interface Locks extends Dependency {
  /** Undefined when somebody else holds it. */
  acquire(name: string, ttlMs: number): Promise<Lock | undefined>;
}

export interface Lock {
  readonly fence: number;
  /** For another `ttlMs` from now. False: it is lost. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}
