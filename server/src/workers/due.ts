import { ClaimSize } from '../bus/claim-size.js';
import type { Releaser } from '../bus/release.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Schedule, Shard } from '../ports/schedule.js';
import type { Job } from './runner.js';

/** Other gateways schedule too: this often the schedule is asked, which an index answers in well under a millisecond. */
const INTERVAL_MS = 50;

interface Parts {
  readonly schedule: Schedule;
  readonly releaser: Releaser;
  readonly shards: { readonly held: readonly Shard[] };
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * How long a claim holds, in milliseconds. As nobody else claims in a shard while its lock is held, this is how long the
   * messages wait that a gateway had claimed when it was killed.
   */
  readonly claimMs: number;
}

/** Publishes what is due: delayed messages to their topic, retries to their channel. */
export class DueWorker implements Job {
  readonly name = 'due';
  readonly intervalMs = INTERVAL_MS;
  readonly #size = new ClaimSize();

  constructor(private readonly parts: Parts) {}

  async runOnce(): Promise<number | undefined> {
    const { schedule, releaser, shards, clock, logger, claimMs } = this.parts;
    if (!releaser.ready) return undefined;
    const began = clock.steady();
    const batch = await schedule.claim(clock.now(), this.#size.next, claimMs, shards.held);
    if (batch.length > 0) {
      const full = batch.length >= this.#size.next;
      this.#size.observe(batch);
      const published = await releaser.release(batch);
      const tookMs = clock.steady() - began;
      logger.debug({ claimed: batch.length, published, tookMs }, 'due messages were released');
      if (full) return 0;
    }
    const next = await schedule.nextDue();
    if (next === undefined) return undefined;
    const wait = next - clock.now();
    // What is due and was not there to be claimed is another gateway's.
    return wait <= 0 && batch.length === 0 ? undefined : Math.max(1, wait);
  }
}
