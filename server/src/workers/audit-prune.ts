import type { AuditLog } from '../ports/audit-log.js';
import type { Clock } from '../ports/clock.js';
import type { Job } from './runner.js';

const INTERVAL_MS = 3_600_000;
const BATCH = 500;

/** Removes what operators did longer ago than the retention. */
export class AuditPruneWorker implements Job {
  readonly name = 'audit-prune';
  readonly intervalMs = INTERVAL_MS;

  constructor(
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
    /** Config `AuditRetentionDays`, in milliseconds. */
    private readonly retentionMs: number,
  ) {}

  async runOnce(): Promise<number | undefined> {
    const removed = await this.auditLog.prune(this.clock.now() - this.retentionMs, BATCH);
    return removed < BATCH ? undefined : 0;
  }
}
