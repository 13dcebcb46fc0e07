import { OverloadedError } from '../errors.js';
import type { PublisherLimits } from '../options.js';
import type { Pending } from './pending.js';

/** Counts what is waiting or unanswered, bounds it, and wakes who waits for less of it. */
export class Backlog {
  readonly #limits: PublisherLimits;
  #messages = 0;
  #bytes = 0;
  #roomWaiters: (() => void)[] = [];
  #idleWaiters: (() => void)[] = [];

  constructor(limits: PublisherLimits) {
    this.#limits = limits;
  }

  get messages(): number {
    return this.#messages;
  }

  /** Throws OverloadedError past the bounds; one message alone may be of any size. */
  check(weight: number): void {
    if (this.#messages === 0) return;
    const { maxPending, maxPendingBytes } = this.#limits;
    if (this.#messages < maxPending && this.#bytes + weight <= maxPendingBytes) return;
    throw new OverloadedError(
      `${this.#messages} messages (${this.#bytes} bytes) wait to be confirmed: await earlier publishes, or raise maxPending or maxPendingBytes`,
      { code: 'RESOURCE_EXHAUSTED', reason: 'CLIENT_OVERLOADED', field: 'maxPending', limit: String(maxPending) },
    );
  }

  enter(entry: Pending): void {
    this.#messages++;
    this.#bytes += entry.weight;
  }

  leave(entry: Pending): void {
    this.#messages--;
    this.#bytes -= entry.weight;
    if (this.#roomWaiters.length > 0 && this.#roomy) this.#roomWaiters = wake(this.#roomWaiters);
    if (this.#messages === 0) this.#idleWaiters = wake(this.#idleWaiters);
  }

  /** Resolves when less than half of what may be pending is. */
  room(): Promise<void> {
    if (this.#roomy) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    if (this.#messages === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  get #roomy(): boolean {
    const { maxPending, maxPendingBytes } = this.#limits;
    return this.#messages === 0 || (this.#messages * 2 < maxPending && this.#bytes * 2 < maxPendingBytes);
  }
}

function wake(waiters: readonly (() => void)[]): [] {
  for (const waiter of waiters) waiter();
  return [];
}
