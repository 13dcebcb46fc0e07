import { type Duration, milliseconds } from '../duration.js';
import { ClosedError, LockHeldError } from '../errors.js';
import type { Lock, LockOptions } from '../lock/lock.js';
import type { Agenda, Appointment } from './agenda.js';
import type { Clock } from './clock.js';
import { checkLockName } from './names.js';

const MIN_TTL_MS = 100;
const MAX_TTL_MS = 86_400_000;
const MAX_WAIT_MS = 3_600_000;

/** Locks among the callers of one bus. They are in one process, so a lock is never lost, and its `ttl` never runs out. */
export class LocalLocks {
  readonly #clock: Clock;
  readonly #agenda: Agenda;
  readonly #held = new Map<string, HeldLock>();
  readonly #lines = new Map<string, Set<LockWaiter>>();
  #fence = 0;

  constructor(clock: Clock, agenda: Agenda) {
    this.#clock = clock;
    this.#agenda = agenda;
  }

  async acquire(name: string, ttl: Duration, { wait, signal }: LockOptions, deadlineMs: number): Promise<Lock> {
    checkLockName(name);
    milliseconds(ttl, 'ttl', MIN_TTL_MS, MAX_TTL_MS);
    const waitMs = wait === undefined ? Math.min(deadlineMs, MAX_WAIT_MS) : milliseconds(wait, 'wait', 0, MAX_WAIT_MS);
    signal?.throwIfAborted();
    if (!this.#held.has(name)) return this.#grant(name);
    if (waitMs === 0) throw new LockHeldError(name);
    const waiter = new LockWaiter(name, this.#agenda, signal, () => this.#leave(waiter));
    this.#lines.set(name, (this.#lines.get(name) ?? new Set()).add(waiter));
    this.#agenda.add(waiter, this.#clock.now() + waitMs);
    return waiter.lock;
  }

  close(): void {
    for (const line of this.#lines.values()) {
      for (const waiter of line) waiter.fail(new ClosedError('the bus was closed before the lock was free'));
    }
    for (const lock of this.#held.values()) void lock.release();
  }

  #grant(name: string): HeldLock {
    const lock = new HeldLock(name, ++this.#fence, () => this.#released(name));
    this.#held.set(name, lock);
    return lock;
  }

  #released(name: string): void {
    this.#held.delete(name);
    const line = this.#lines.get(name);
    const [next] = line ?? [];
    next?.give(this.#grant(name));
  }

  #leave(waiter: LockWaiter): void {
    const line = this.#lines.get(waiter.name);
    line?.delete(waiter);
    if (line?.size === 0) this.#lines.delete(waiter.name);
  }
}

class HeldLock implements Lock {
  readonly signal = new AbortController().signal;
  #released = false;

  constructor(
    readonly name: string,
    readonly fence: number,
    readonly free: () => void,
  ) {}

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.free();
  }
}

class LockWaiter implements Appointment {
  dueAt = 0;
  place = -1;
  order = 0;
  readonly lock: Promise<Lock>;
  #resolve: (lock: Lock) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    readonly name: string,
    readonly agenda: Agenda,
    readonly signal: AbortSignal | undefined,
    readonly gone: () => void,
  ) {
    this.lock = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal?.addEventListener('abort', this.#aborted);
  }

  give(lock: Lock): void {
    this.#end();
    this.#resolve(lock);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  due(): void {
    this.fail(new LockHeldError(this.name));
  }

  readonly #aborted = (): void => this.fail(this.signal?.reason);

  #end(): void {
    this.agenda.remove(this);
    this.signal?.removeEventListener('abort', this.#aborted);
    this.gone();
  }
}
