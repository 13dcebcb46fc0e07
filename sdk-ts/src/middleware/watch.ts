import type { Message } from '../message.js';
import type { Middleware, SubscriptionInfo } from './middleware.js';
import { type Outcome, outcomeOf, outcomeOfError } from './outcome.js';

/** What a handler has done with a message. */
export interface Seen {
  readonly message: Message;
  readonly subscription: SubscriptionInfo;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** What the handler, or what is around it, threw. */
  readonly error: unknown;
}

/** Tells of every message, changes nothing. */
export function watch(seen: (seen: Seen) => void): Middleware {
  return async (message, next, subscription) => {
    const begun = performance.now();
    let result: unknown;
    try {
      result = await next();
    } catch (error) {
      const outcome = outcomeOfError(message, error);
      seen({ message, subscription, outcome, durationMs: performance.now() - begun, error });
      throw error;
    }
    const outcome = outcomeOf(message, subscription);
    seen({ message, subscription, outcome, durationMs: performance.now() - begun, error: undefined });
    return result;
  };
}
