import type { Clock } from '../ports/clock.js';
import { makeAlias } from './alias.js';
import { ClientShare } from './client-share.js';
import type { Delivery } from './delivery.js';
import type { Dispatcher } from './dispatcher.js';
import { formatReceipt } from './receipt.js';
import type { Settler } from './settle.js';

export interface PullOptions {
  readonly consumer: string;
  readonly leaseMs: number;
  /** The most messages to take. */
  readonly max: number;
  /** Unix milliseconds: when to answer even without a message; Infinity: the caller says by `signal`. */
  readonly until: number;
  /** The caller went away. */
  readonly signal: AbortSignal;
  /** Whether each message is to be known by an alias, too. */
  readonly aliased?: boolean;
}

/** A message that was pulled: the ledger holds it until the deadline. */
export interface Pulled {
  readonly receipt: string;
  /** Empty unless it was asked for. */
  readonly alias: string;
  readonly delivery: Delivery;
}

/** What one answer holds: stock clients refuse one of over 4 MiB, so only a single large message goes past. */
const ANSWER = { messages: Number.POSITIVE_INFINITY, bytes: 2 * 1024 * 1024 };
/** The longest that a timer can wait; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The pulls that wait for a message. */
export class PullWaits {
  readonly #waiting = new Set<() => void>();
  #ended = false;

  add(giveUp: () => void): void {
    if (this.#ended) giveUp();
    else this.#waiting.add(giveUp);
  }

  delete(giveUp: () => void): void {
    this.#waiting.delete(giveUp);
  }

  /** All give up, and whoever comes later does so at once. */
  end(): void {
    this.#ended = true;
    for (const giveUp of [...this.#waiting]) giveUp();
  }
}

/**
 * Takes up to `max` messages and moves them to the ledger, so that any gateway can settle them and none needs to stay.
 * Waits for a first one; never for a second.
 */
export async function pull(
  dispatcher: Dispatcher,
  settler: Settler,
  waits: PullWaits,
  clock: Clock,
  options: PullOptions,
): Promise<Pulled[]> {
  for (;;) {
    const taken = await take(dispatcher, waits, clock, options);
    if (taken.length === 0) return [];
    const aliases = options.aliased === true ? aliasesOf(taken, clock.now()) : undefined;
    const leased = await settler.lease(taken, aliases);
    settler.release(leased);
    if (options.signal.aborted) {
      await settler.giveBack(leased);
      return [];
    }
    if (leased.length > 0) {
      return leased.map((delivery) => ({
        receipt: receiptOf(delivery),
        alias: aliases?.get(delivery) ?? '',
        delivery,
      }));
    }
  }
}

function aliasesOf(deliveries: readonly Delivery[], now: number): Map<Delivery, string> {
  return new Map(deliveries.map((delivery) => [delivery, makeAlias(now)]));
}

/** The first batch that comes before the time is up; none when it does not come. */
function take(dispatcher: Dispatcher, waits: PullWaits, clock: Clock, options: PullOptions): Promise<Delivery[]> {
  const { signal } = options;
  return new Promise((resolve) => {
    const finish = (deliveries: Delivery[]) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      waits.delete(giveUp);
      dispatcher.unsubscribe(subscriber);
      resolve(deliveries);
    };
    const giveUp = () => finish([]);
    const waitMs = options.until - clock.now();
    // What is refused here must leave nothing behind, so it comes first.
    const subscriber = dispatcher.subscribe(
      {
        name: options.consumer,
        leaseMs: options.leaseMs,
        credit: options.max,
        share: new ClientShare(ANSWER),
        kind: 'pull',
      },
      finish,
    );
    const timer = waitMs > MAX_TIMER_MS ? undefined : setTimeout(giveUp, Math.max(0, waitMs));
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else waits.add(giveUp);
  });
}

function receiptOf({ channel, attempt, nonce, message }: Delivery): string {
  return formatReceipt('leased', channel, attempt, nonce, message);
}
