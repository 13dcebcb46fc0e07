import type { Message } from '../message.js';

/**
 * Runs around the handler of every message. `next` runs what is inside: the middleware that comes after, the codec, the handler; it resolves
 * with what the handler returned, and rejects with what any of them threw. A middleware that does not call it leaves the handler out.
 *
 * What a middleware throws counts as the handler's own error, and so does what it lets through; when it returns, the message is acked (`settle: 'auto'`).
 *
 * @example
 * const timed: Middleware = async (message, next) => {
 *   const begun = performance.now();
 *   try {
 *     return await next();
 *   } finally {
 *     console.log(message.id, performance.now() - begun);
 *   }
 * };
 */
export type Middleware = (message: Message, next: () => Promise<unknown>, subscription: SubscriptionInfo) => unknown;

/** What a middleware is told of the subscription: the same object for all its messages. */
export interface SubscriptionInfo {
  /** The topic or pattern that was subscribed to. */
  readonly topic: string;
  readonly channel: string;
  readonly settle: 'auto' | 'manual';
}
