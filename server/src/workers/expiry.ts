import type { Settler } from '../bus/settle.js';
import type { Clock } from '../ports/clock.js';
import type { Schedule, Shard } from '../ports/schedule.js';
import type { Job } from './runner.js';

const INTERVAL_MS = 100;
const BATCH = 500;

/** Ends the leases that the ledger holds: their messages are tried again, or are dead. */
export class ExpiryWorker implements Job {
  readonly name = 'expiry';
  readonly intervalMs = INTERVAL_MS;

  constructor(
    private readonly schedule: Schedule,
    private readonly settler: Settler,
    private readonly shards: { readonly held: readonly Shard[] },
    private readonly clock: Clock,
  ) {}

  async runOnce(): Promise<number | undefined> {
    const leases = await this.schedule.expiredLeases(this.clock.now(), BATCH, this.shards.held);
    if (leases.length === 0) return undefined;
    await this.settler.expireLeases(leases);
    return leases.length === BATCH ? 0 : undefined;
  }
}
