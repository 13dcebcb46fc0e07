import type { Cron } from '../bus/cron.js';
import type { Job } from './runner.js';

/** An entry that another gateway made is seen after this long at the latest. */
const INTERVAL_MS = 1_000;

/** Publishes the messages that are published again and again. */
export class CronWorker implements Job {
  readonly name = 'cron';
  readonly intervalMs = INTERVAL_MS;

  constructor(private readonly cron: Cron) {}

  runOnce(): Promise<number | undefined> {
    return this.cron.runOnce();
  }
}
