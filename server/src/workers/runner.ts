import { BusError } from '../model/errors.js';
import type { Logger } from '../ports/logger.js';
import type { Service } from '../ports/service.js';
import type { Permit } from './permit.js';

/** A job that is done again and again. */
export interface Job {
  readonly name: string;
  /** The longest pause between two runs, in milliseconds. */
  readonly intervalMs: number;
  /** Does what there is to do. Answers how long to wait for the next run, in milliseconds, if that is sooner than the interval. */
  runOnce(): Promise<number | undefined>;
}

/** How long a job may go on once the runner is told to stop. */
const STOP_MS = 3_000;

/** Runs a job while it is permitted. A fault is logged and the job goes on at its interval; a lost permit is asked for again. */
export class Runner implements Service {
  #stopped = true;
  #loop: Promise<void> | undefined;
  #wake: () => void = () => {};
  /** Ends a sleep. */
  #end: () => void = () => {};
  #woken = false;

  constructor(
    private readonly job: Job,
    private readonly permit: Permit,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#end();
    // A job may wait for a ledger that is away, which ends only after the workers.
    await Promise.race([this.#loop, new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())]);
  }

  /** There may be something to do before the pause is over. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    let runAt = 0;
    while (!this.#stopped) {
      // Whoever has the permit is woken too: without it, a wake changes nothing.
      if (!(await this.#permitted())) {
        await this.#sleep(this.permit.retryMs);
        continue;
      }
      if (this.#woken || performance.now() >= runAt) runAt = performance.now() + (await this.#runJob());
      // A long pause is cut where the permit must be renewed.
      await this.#pause(Math.min(runAt - performance.now(), this.permit.retryMs));
    }
    await this.permit.release().catch((error: unknown) => this.#complain(error, 'a permit could not be given back'));
  }

  async #permitted(): Promise<boolean> {
    try {
      return await this.permit.granted();
    } catch (error) {
      this.logger.debug({ error, job: this.job.name }, 'a permit could not be asked for');
      return false;
    }
  }

  async #runJob(): Promise<number> {
    this.#woken = false;
    try {
      return Math.min((await this.job.runOnce()) ?? this.job.intervalMs, this.job.intervalMs);
    } catch (error) {
      this.#complain(error, 'a job failed; it is tried again');
      return this.job.intervalMs;
    }
  }

  /** That a service is away is said once, by its connection; jobs would say it many times a second. */
  #complain(error: unknown, message: string): void {
    const away = error instanceof BusError && error.retryable;
    this.logger[away ? 'debug' : 'warn']({ error, job: this.job.name }, message);
  }

  /** Until the time is up, or somebody wakes the job. */
  #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#woken) return Promise.resolve();
    return this.#sleep(ms, (wake) => {
      this.#wake = wake;
    });
  }

  /** Until the time is up, or the runner is stopped. */
  #sleep(ms: number, wakeable: (wake: () => void) => void = () => {}): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
      wakeable(this.#end);
    });
  }
}
