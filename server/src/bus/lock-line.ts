import { BusError } from '../model/errors.js';

/** How often the store is asked for a lock that somebody else has; up to half of it less, by chance. */
const POLL_MS = 50;
/** For so long a gateway may hand a lock on among its own callers, before it rests so that others get their turn. */
const TURN_MS = 500;
/** Longer than any gateway's poll. */
const REST_MS = POLL_MS * 1.5;

export interface LockLineParts<Lock> {
  /** Asks the store. */
  acquire(ttlMs: number): Promise<Lock | undefined>;
  /** Gives back what nobody waits for any more. */
  release(lock: Lock): Promise<unknown>;
  /** Lines of this gateway: with many of them, each asks less often. */
  lines(): number;
  /** Nobody waits any more. */
  ended(): void;
}

interface Waiter<Lock> {
  readonly ttlMs: number;
  readonly answer: (outcome: Lock | BusError | undefined) => void;
}

/** Those who wait at this gateway for one lock: only the first asks the store, in the name of all. */
export class LockLine<Lock extends object> {
  /** In order of arrival. */
  readonly #waiters = new Set<Waiter<Lock>>();
  #turnBegan: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};
  #woken = false;

  constructor(private readonly parts: LockLineParts<Lock>) {}

  /** The lock; undefined after `waitMs`, or when the caller went away. Rejects with LOCKS_UNAVAILABLE or DRAINING. */
  wait(ttlMs: number, waitMs: number, signal: AbortSignal): Promise<Lock | undefined> {
    return new Promise((resolve, reject) => {
      const answer = (outcome: Lock | BusError | undefined) => {
        if (!this.#waiters.delete(waiter)) return;
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        if (this.#waiters.size === 0) this.#end();
        if (outcome instanceof BusError) reject(outcome);
        else resolve(outcome);
      };
      const giveUp = () => answer(undefined);
      const waiter: Waiter<Lock> = { ttlMs, answer };
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp);
      this.#waiters.add(waiter);
      if (this.#waiters.size === 1) void this.#serve();
      if (signal.aborted) giveUp();
    });
  }

  /** The lock was released by this gateway: the first may have it, unless other gateways are due. */
  released(): void {
    const now = performance.now();
    if (this.#turnBegan === undefined || now - this.#turnBegan < TURN_MS) {
      this.#goOn();
      return;
    }
    this.#turnBegan = undefined;
    this.#goOnIn(REST_MS);
  }

  /** Nobody shall wait any more. */
  fail(error: BusError): void {
    for (const { answer } of [...this.#waiters]) answer(error);
  }

  async #serve(): Promise<void> {
    for (let [first] = this.#waiters; first !== undefined; [first] = this.#waiters) {
      this.#woken = false;
      let lock: Lock | undefined;
      try {
        lock = await this.parts.acquire(first.ttlMs);
      } catch (error) {
        this.fail(BusError.from(error));
        return;
      }
      if (lock !== undefined && !this.#waiters.has(first)) {
        // It went away meanwhile: the next one tries at once.
        await this.parts.release(lock).catch(() => undefined);
        continue;
      }
      if (lock !== undefined) {
        this.#turnBegan ??= performance.now();
        first.answer(lock);
      }
      if (this.#waiters.size > 0) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#woken) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#goOnIn((POLL_MS + this.parts.lines()) * (0.5 + Math.random() / 2));
    });
  }

  #goOnIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#goOn(), ms);
  }

  #goOn(): void {
    this.#woken = true;
    this.#wake();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.parts.ended();
    this.#goOn();
  }
}
