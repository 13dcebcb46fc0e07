import { type Duration, milliseconds } from '../duration.js';
import { MAX_DELAY_MS } from '../publisher/outgoing.js';

/** Thrown by a handler: deliver the message again after this delay, instead of the retry policy's. It counts as an attempt. */
export class RetryAfter extends Error {
  override readonly name: string = 'RetryAfter';
  readonly delayMs: number;

  /** `delay`: 0 to 10 years. `reason` is for the ledger. */
  constructor(delay: Duration, reason = 'retry later', options?: ErrorOptions) {
    super(reason, options);
    this.delayMs = milliseconds(delay, 'delay', 0, MAX_DELAY_MS);
  }
}

/** Thrown by a handler: no retry can help. The message becomes a dead letter at once, with this error's message as the reason. */
export class UnrecoverableError extends Error {
  override readonly name: string = 'UnrecoverableError';
}
