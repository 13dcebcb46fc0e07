import { ClaimSize } from '../bus/claim-size.js';
import { CLAIM_MS, type Releaser } from '../bus/release.js';
import type { Clock } from '../ports/clock.js';
import type { Schedule } from '../ports/schedule.js';
import type { Job } from './runner.js';

/** Other gateways schedule too: this often the schedule is asked, which an index answers in well under a millisecond. */
const INTERVAL_MS = 50;

/** Publishes what is due: delayed messages to their topic, retries to their channel. */
export class DueWorker implements Job {
  readonly name = 'due';
  readonly intervalMs = INTERVAL_MS;
  readonly #size = new ClaimSize();

  constructor(
    private readonly schedule: Schedule,
    private readonly releaser: Releaser,
    private readonly clock: Clock,
  ) {}

  async runOnce(fence: number): Promise<number | undefined> {
    if (!this.releaser.ready) return undefined;
    const now = this.clock.now();
    const batch = await this.schedule.claim(now, this.#size.next, CLAIM_MS, fence);
    if (batch.length > 0) {
      const full = batch.length >= this.#size.next;
      this.#size.observe(batch);
      await this.releaser.release(batch);
      if (full) return 0;
    }
    const next = await this.schedule.nextDue();
    return next === undefined ? undefined : Math.max(1, next - this.clock.now());
  }
}
