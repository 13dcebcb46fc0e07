import type { AuditLog } from './audit-log.js';
import type { Backlogs } from './backlogs.js';
import type { Broker } from './broker.js';
import type { ClientLocks } from './client-locks.js';
import type { CronBook, CronTicks } from './cron.js';
import type { Dedupe } from './dedupe.js';
import type { Inspector } from './inspector.js';
import type { Ledger } from './ledger.js';
import type { LockRegister } from './lock-register.js';
import type { Locks } from './locks.js';
import type { Membership } from './membership.js';
import type { NodeBoard } from './node-board.js';
import type { Operator } from './operator.js';
import type { Queues } from './queues.js';
import type { Rebalance } from './rebalance.js';
import type { Schedule } from './schedule.js';
import type { Dependency, Service } from './service.js';

/** Everything that the core stands on. */
export interface Engine {
  /** This gateway's name, unlike any other's: the host's and a few random characters, anew with every start. */
  readonly node: string;
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly inspector: Inspector;
  readonly backlogs: Backlogs;
  readonly operator: Operator;
  readonly auditLog: AuditLog;
  readonly cron: CronBook;
  readonly cronTicks: CronTicks;
  readonly queues: Queues;
  readonly nodes: NodeBoard;
  readonly dedupe: Dedupe;
  readonly locks: Locks;
  readonly clientLocks: ClientLocks;
  readonly lockRegister: LockRegister;
  readonly membership: Membership;
  /** Absent where there is only ever one gateway. */
  readonly rebalance?: Rebalance;
  /** In the order in which they start. */
  readonly services: readonly Service[];
  /** What readiness asks about. */
  readonly dependencies: readonly Dependency[];
}
