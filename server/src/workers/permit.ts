import type { Lock, Locks } from '../ports/locks.js';

/** What allows a gateway to do a job. */
export interface Permit {
  /** How long to wait before asking again, in milliseconds. */
  readonly retryMs: number;
  /** Whether the job may run now. Called before every run, so that what must be renewed is. */
  granted(): Promise<boolean>;
  release(): Promise<void>;
}

/** The lock of a job that one gateway at a time does. It is renewed after a third of its time. */
export class LockPermit implements Permit {
  readonly retryMs: number;
  #lock: Lock | undefined;
  #renewAt = 0;

  constructor(
    private readonly name: string,
    private readonly locks: Locks,
    private readonly lockMs: number,
  ) {
    this.retryMs = lockMs / 3;
  }

  async granted(): Promise<boolean> {
    if (this.#lock !== undefined && performance.now() < this.#renewAt) return true;
    const renewAt = performance.now() + this.retryMs;
    if (this.#lock === undefined) this.#lock = await this.locks.acquire(`worker:${this.name}`, this.lockMs);
    else if (!(await this.#lock.renew())) this.#lock = undefined;
    this.#renewAt = renewAt;
    return this.#lock !== undefined;
  }

  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }
}
