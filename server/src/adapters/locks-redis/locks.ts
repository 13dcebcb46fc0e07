import { randomUUID } from 'node:crypto';
import type { Lock, Locks } from '../../ports/locks.js';
import type { RedisConnection } from './connection.js';
import { LockScripts } from './lock-scripts.js';

/** The gateways' own locks. */
export class RedisLocks implements Locks {
  readonly name = 'redis';
  readonly #connection: RedisConnection;
  readonly #scripts: LockScripts;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
    this.#scripts = new LockScripts(connection, { lock: 'l', fence: 'f' });
  }

  /** The connection is started and stopped by whoever made it; this is safe beside it. */
  start(): Promise<void> {
    return this.#connection.start();
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  health(): string | undefined {
    return this.#connection.health();
  }

  async acquire(name: string, ttlMs: number): Promise<Lock | undefined> {
    const secret = randomUUID();
    const asked = performance.now();
    const fence = await this.#scripts.acquire(name, secret, ttlMs);
    if (fence === undefined || fence === 0) return undefined;
    const lock = new HeldLock(this.#scripts, name, secret, fence, ttlMs, asked);
    return lock.ranOut ? undefined : lock;
  }
}

class HeldLock implements Lock {
  #until: number;
  #lost = false;

  /** `asked`: when Redis was asked, which is at the latest when the lock's time began. */
  constructor(
    private readonly scripts: LockScripts,
    private readonly name: string,
    private readonly secret: string,
    readonly fence: number,
    private readonly ttlMs: number,
    asked: number,
  ) {
    this.#until = asked + ttlMs;
  }

  get ranOut(): boolean {
    return performance.now() >= this.#until;
  }

  /** True also when Redis gave no answer, as long as the lock can't have run out. */
  async renew(): Promise<boolean> {
    if (this.#lost) return false;
    const asked = performance.now();
    const renewed = await this.scripts.renew(this.name, this.secret, this.ttlMs);
    if (renewed === true) this.#until = asked + this.ttlMs;
    this.#lost = renewed === false || this.ranOut;
    return !this.#lost;
  }

  async release(): Promise<void> {
    if (this.#lost) return;
    this.#lost = true;
    await this.scripts.release(this.name, this.secret);
  }
}
