import type { Lock, Locks } from '../ports/locks.js';
import type { Logger } from '../ports/logger.js';
import type { Service } from '../ports/service.js';

/** A job that one gateway at a time does, again and again. */
export interface Job {
  readonly name: string;
  /** The longest pause between two runs, in milliseconds. */
  readonly intervalMs: number;
  /** Does what there is to do. Answers how long to wait for the next run, in milliseconds, if that is sooner than the interval. */
  runOnce(fence: number): Promise<number | undefined>;
}

export interface RunnerOptions {
  /** How long the lock lasts unless renewed; it is renewed after a third of it. Config `DLMExpiration`. */
  readonly lockMs: number;
}

/** How long a job may go on once the runner is told to stop. */
const STOP_MS = 3_000;

/** Runs a job under its lock. A fault is logged and the job goes on at its interval; a lost lock is taken again. */
export class Runner implements Service {
  #stopped = true;
  #loop: Promise<void> | undefined;
  #wake: () => void = () => {};
  /** Ends a sleep. */
  #end: () => void = () => {};
  #woken = false;

  constructor(
    private readonly job: Job,
    private readonly locks: Locks,
    private readonly logger: Logger,
    private readonly options: RunnerOptions,
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
    while (!this.#stopped) {
      const lock = await this.#acquire();
      if (lock !== undefined) await this.#runUnder(lock);
      // Whoever has the lock is woken too: here, a wake changes nothing.
      else await this.#sleep(this.options.lockMs / 3);
    }
  }

  async #acquire(): Promise<Lock | undefined> {
    try {
      return await this.locks.acquire(`worker:${this.job.name}`, this.options.lockMs);
    } catch (error) {
      this.logger.debug({ error, job: this.job.name }, 'the lock could not be taken');
      return undefined;
    }
  }

  async #runUnder(lock: Lock): Promise<void> {
    let renewAt = performance.now() + this.options.lockMs / 3;
    while (!this.#stopped) {
      if (performance.now() >= renewAt) {
        renewAt = performance.now() + this.options.lockMs / 3;
        if (!(await lock.renew())) return;
      }
      const pause = Math.min(await this.#runJob(lock.fence), renewAt - performance.now());
      if (pause > 0) await this.#pause(pause);
    }
    await lock.release();
  }

  async #runJob(fence: number): Promise<number> {
    this.#woken = false;
    try {
      return Math.min((await this.job.runOnce(fence)) ?? this.job.intervalMs, this.job.intervalMs);
    } catch (error) {
      this.logger.warn({ error, job: this.job.name }, 'a job failed; it is tried again');
      return this.job.intervalMs;
    }
  }

  /** Until the time is up, or somebody wakes the job. */
  #pause(ms: number): Promise<void> {
    return this.#woken ? Promise.resolve() : this.#sleep(ms, (wake) => (this.#wake = wake));
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
