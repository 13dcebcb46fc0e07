import type { Middleware } from './middleware.js';
import { outcomeOf } from './outcome.js';

/** What a delivery is known by, however often it comes. */
export interface DeliveryKey {
  readonly topic: string;
  readonly channel: string;
  readonly id: string;
}

/** Remembers what was done. */
export interface IdempotencyStore {
  /**
   * Runs `work` and remembers the delivery, unless it remembers it: then it answers `before`. Work that rejects is not remembered, and this
   * rejects with the same error. Where the store is a database, both belong into one transaction.
   */
  once(delivery: DeliveryKey, work: () => Promise<void>): Promise<{ readonly done: 'now' | 'before' }>;
}

/**
 * Handles a message once, however often it is delivered: what the store remembers is acked without the handler. A message counts as done when its
 * handler returned and did not nack or reject it; with `settle: 'manual'`, when it was acked by then.
 *
 * @example
 * const inbox = createInbox({ consumer: 'billing' });
 * idempotency({ once: (delivery, work) => knex.transaction((tx) => inbox.once(tx, delivery, work)) });
 */
export function idempotency(store: IdempotencyStore): Middleware {
  return async (message, next, subscription) => {
    const { topic, id } = message;
    const { channel, settle } = subscription;
    let result: unknown;
    const work = async () => {
      result = await next();
      if (outcomeOf(message, subscription) !== 'ack') throw new NotDone();
    };
    try {
      const { done } = await store.once({ topic, channel, id }, work);
      if (done === 'before' && settle === 'manual') await message.ack();
    } catch (error) {
      if (!(error instanceof NotDone)) throw error;
    }
    return result;
  };
}

/** Keeps the store from remembering what was settled otherwise. */
class NotDone extends Error {
  override readonly name: string = 'NotDone';
  override readonly message: string = 'the message was not acked: it is not remembered';
}
