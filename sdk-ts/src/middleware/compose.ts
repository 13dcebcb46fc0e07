import type { Message } from '../message.js';
import type { Middleware, SubscriptionInfo } from './middleware.js';

/** The handler inside its middleware, the first outermost; the handler itself when there is none. */
export function compose<M extends Message>(
  middleware: readonly Middleware[],
  handler: (message: M) => unknown,
  subscription: SubscriptionInfo,
): (message: M) => unknown {
  return middleware.reduceRight<(message: M) => unknown>(
    (inside, outer) => (message) => outer(message, async () => inside(message), subscription),
    handler,
  );
}
