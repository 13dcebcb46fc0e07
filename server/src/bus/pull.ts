import type { Clock } from '../ports/clock.js';
import type { Delivery } from './delivery.js';
import type { Dispatcher } from './dispatcher.js';
import { formatReceipt } from './receipt.js';
import type { Settler } from './settle.js';

export interface PullOptions {
  readonly consumer: string;
  readonly leaseMs: number;
  /** The most messages to take. */
  readonly max: number;
  /** Unix milliseconds: when to answer even without a message. */
  readonly until: number;
  /** The caller went away. */
  readonly signal: AbortSignal;
}

/** A message that was pulled: the ledger holds it until the deadline. */
export interface Pulled {
  readonly receipt: string;
  readonly delivery: Delivery;
}

/**
 * Takes up to `max` messages and moves them to the ledger, so that any gateway can settle them and none needs to stay.
 * Waits for a first one; never for a second.
 */
export async function pull(
  dispatcher: Dispatcher,
  settler: Settler,
  clock: Clock,
  options: PullOptions,
): Promise<Pulled[]> {
  for (;;) {
    const taken = await take(dispatcher, clock, options);
    if (taken.length === 0) return [];
    const leased = await settler.lease(taken);
    settler.release(leased);
    if (options.signal.aborted) {
      await settler.giveBack(leased);
      return [];
    }
    if (leased.length > 0) return leased.map((delivery) => ({ receipt: receiptOf(delivery), delivery }));
  }
}

/** The first batch that comes before the time is up; none when it does not come. */
function take(dispatcher: Dispatcher, clock: Clock, options: PullOptions): Promise<Delivery[]> {
  const { signal } = options;
  return new Promise((resolve) => {
    const finish = (deliveries: Delivery[]) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      dispatcher.unsubscribe(subscriber);
      resolve(deliveries);
    };
    const giveUp = () => finish([]);
    const timer = setTimeout(giveUp, Math.max(0, options.until - clock.now()));
    signal.addEventListener('abort', giveUp);
    const subscriber = dispatcher.subscribe(options.consumer, options.leaseMs, options.max, finish);
    if (signal.aborted) giveUp();
  });
}

function receiptOf({ channel, attempt, nonce, message }: Delivery): string {
  return formatReceipt('leased', channel, attempt, nonce, message);
}
