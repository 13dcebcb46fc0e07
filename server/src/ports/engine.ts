import type { Broker } from './broker.js';
import type { ClientLocks } from './client-locks.js';
import type { Dedupe } from './dedupe.js';
import type { Ledger } from './ledger.js';
import type { Locks } from './locks.js';
import type { Membership } from './membership.js';
import type { Rebalance } from './rebalance.js';
import type { Schedule } from './schedule.js';
import type { Dependency, Service } from './service.js';

/** Everything that the core stands on. */
export interface Engine {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly dedupe: Dedupe;
  readonly locks: Locks;
  readonly clientLocks: ClientLocks;
  readonly membership: Membership;
  /** Absent where there is only ever one gateway. */
  readonly rebalance?: Rebalance;
  /** In the order in which they start. */
  readonly services: readonly Service[];
  /** What readiness asks about. */
  readonly dependencies: readonly Dependency[];
}
