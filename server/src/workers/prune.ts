import type { Clock } from '../ports/clock.js';
import type { Schedule } from '../ports/schedule.js';
import type { Job } from './runner.js';

const INTERVAL_MS = 60_000;
/** Small enough that no statement holds its locks for long. */
const BATCH = 1_000;
const PAUSE_MS = 20;

/** Removes the records of what was final longer ago than the retention. Dead letters stay. */
export class PruneWorker implements Job {
  readonly name = 'prune';
  readonly intervalMs = INTERVAL_MS;

  constructor(
    private readonly schedule: Schedule,
    private readonly clock: Clock,
    /** Config `LedgerRetentionHours`, in milliseconds. */
    private readonly retentionMs: number,
  ) {}

  async runOnce(): Promise<number | undefined> {
    const removed = await this.schedule.prune(this.clock.now() - this.retentionMs, BATCH);
    return removed === BATCH ? PAUSE_MS : undefined;
  }
}
