import { type Nack, nack, type Reject, reject } from './action.js';
import { RetryAfter, UnrecoverableError } from './handler-errors.js';

/** What a handler's error means for its message. */
export function verdict(error: unknown): Nack | Reject {
  if (error instanceof UnrecoverableError) return reject(error.message);
  const reason = error instanceof Error ? error.message || error.name : String(error);
  return nack(error instanceof RetryAfter ? error.delayMs : undefined, reason);
}
