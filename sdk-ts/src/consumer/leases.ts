import { StaleReceiptError } from '../errors.js';
import type { ReceivedMessage } from './received-message.js';

/**
 * The messages that are held on one stream, and one timer for all their leases: it extends those that are halfway through
 * (all in one frame), and tells those whose lease is over.
 */
export class Leases {
  readonly #held = new Set<ReceivedMessage>();
  readonly #extends: (message: ReceivedMessage) => boolean;
  #timer: NodeJS.Timeout | undefined;
  #tickMs = 0;

  /** `extendsLease` says which messages are to be extended. */
  constructor(extendsLease: (message: ReceivedMessage) => boolean) {
    this.#extends = extendsLease;
  }

  get size(): number {
    return this.#held.size;
  }

  start(leaseMs: number): void {
    this.stop();
    // An eighth of the lease: half of it is met closely enough, and a stalled event loop has several chances.
    this.#tickMs = Math.min(5_000, Math.max(50, leaseMs / 8));
    this.#timer = setInterval(() => this.#tick(performance.now()), this.#tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  add(message: ReceivedMessage): void {
    this.#held.add(message);
  }

  delete(message: ReceivedMessage): void {
    this.#held.delete(message);
  }

  /** None of them is this consumer's any more. */
  loseAll(why: Error): void {
    for (const message of this.#held) message.lose(why);
    this.#held.clear();
  }

  #tick(now: number): void {
    for (const message of this.#held) {
      const age = message.leaseAge(now);
      if (age >= message.leaseMs || message.isLost) {
        this.#held.delete(message);
        message.lose(new StaleReceiptError(message.receipt));
      } else if (age + this.#tickMs >= message.leaseMs / 2 && !message.isSettled && this.#extends(message)) {
        message.renew(now);
      }
    }
  }
}
