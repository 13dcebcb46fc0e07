import { BusError } from '../model/errors.js';
import type { LockKey } from '../model/lock.js';
import type { ClientLock, ClientLocks } from '../ports/client-locks.js';
import type { Clock } from '../ports/clock.js';
import type { HeldLock, LockRegister } from '../ports/lock-register.js';
import type { Limit } from './limit.js';
import { LockLine } from './lock-line.js';

export interface AcquiredLock extends ClientLock {
  /** Unix milliseconds: at the latest then it runs out. */
  readonly expireAt: number;
}

export interface AcquireOptions {
  readonly ttlMs: number;
  /** Unix milliseconds: when to answer even without the lock. In the past: tries once. */
  readonly until: number;
  /** The caller went away: what it would get is released. */
  readonly signal: AbortSignal;
  /** Who asks, for an operator. */
  readonly holder?: string;
}

/** Hands locks to clients. Those who wait stand in a line for each lock. */
export class LockDesk {
  readonly #lines = new Map<string, LockLine<AcquiredLock>>();
  #draining = false;

  constructor(
    private readonly locks: ClientLocks,
    private readonly clock: Clock,
    private readonly waiting: Limit,
    private readonly register: LockRegister,
  ) {}

  /** Undefined when somebody else has it. Rejects with LOCKS_UNAVAILABLE, OVERLOADED or DRAINING. */
  async acquire(
    name: string,
    { ttlMs, until, signal, holder = '' }: AcquireOptions,
  ): Promise<AcquiredLock | undefined> {
    if (this.#draining) throw draining();
    const line = this.#lines.get(name);
    const waitMs = until - this.clock.now();
    // Where others wait already, a lock that happens to be free is theirs.
    if (waitMs <= 0 && line !== undefined) return undefined;
    const lock = waitMs <= 0 ? await this.#take(name, ttlMs) : await this.#wait(name, ttlMs, waitMs, signal);
    if (lock === undefined) return undefined;
    if (signal.aborted) {
      await this.release(lock);
      return undefined;
    }
    this.register.acquired(lock, { holder, since: this.clock.now(), until: lock.expireAt });
    return lock;
  }

  /** Answers when it runs out now, in Unix milliseconds. Rejects with LOCK_LOST or LOCKS_UNAVAILABLE. */
  async renew(key: LockKey, ttlMs: number): Promise<number> {
    const asked = this.clock.now();
    if (await this.locks.renew(key, ttlMs)) {
      this.register.renewed(key.name, asked + ttlMs);
      return asked + ttlMs;
    }
    throw new BusError('LOCK_LOST', `the lock "${key.name}" is lost: it ran out or was released`, { field: 'token' });
  }

  /** False when it was not held any more. Rejects with LOCKS_UNAVAILABLE. */
  async release(key: LockKey): Promise<boolean> {
    const released = await this.locks.release(key);
    if (released) this.#released(key.name);
    return released;
  }

  /** What clients hold, by name. Rejects with LOCKS_UNAVAILABLE. */
  list(): Promise<HeldLock[]> {
    return this.register.list();
  }

  /** For an operator: ends a lock, whoever holds it. Rejects with LOCK_NOT_FOUND or LOCKS_UNAVAILABLE. */
  async breakOpen(name: string): Promise<void> {
    if (!(await this.register.release(name))) {
      throw new BusError('LOCK_NOT_FOUND', `nobody holds the lock "${name}"`, { field: 'name' });
    }
    this.#released(name);
  }

  #released(name: string): void {
    this.register.released(name);
    this.#lines.get(name)?.released();
  }

  /** Nobody waits here any more, and nobody gets a lock; what is held can be renewed and released. */
  drain(): void {
    this.#draining = true;
    for (const line of [...this.#lines.values()]) line.fail(draining());
  }

  async #wait(name: string, ttlMs: number, waitMs: number, signal: AbortSignal): Promise<AcquiredLock | undefined> {
    this.waiting.enter();
    try {
      return await this.#line(name).wait(ttlMs, waitMs, signal);
    } finally {
      this.waiting.leave();
    }
  }

  /** Asks the store. A lock that took longer to come than it lasts is none. */
  async #take(name: string, ttlMs: number): Promise<AcquiredLock | undefined> {
    const expireAt = this.clock.now() + ttlMs;
    const lock = await this.locks.acquire(name, ttlMs);
    return lock === undefined || this.clock.now() >= expireAt ? undefined : { ...lock, expireAt };
  }

  #line(name: string): LockLine<AcquiredLock> {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new LockLine({
        acquire: (ttlMs) => this.#take(name, ttlMs),
        release: (lock) => this.locks.release(lock),
        lines: () => this.#lines.size,
        ended: () => this.#lines.delete(name),
      });
      this.#lines.set(name, line);
    }
    return line;
  }
}

function draining(): BusError {
  return new BusError('DRAINING', 'this gateway is shutting down: use another one');
}
