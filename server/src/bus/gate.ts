import { setTimeout as delay } from 'node:timers/promises';
import { attemptNumber } from '../model/attempt.js';
import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import { retryDelay } from '../model/retry-policy.js';
import type { TermsOf } from '../model/search-term.js';
import type { Clock } from '../ports/clock.js';
import type { Change, Ledger } from '../ports/ledger.js';
import type { Logger } from '../ports/logger.js';
import type { Channels } from './channels.js';
import type { Buffered, Delivery } from './delivery.js';
import type { NonceSource } from './ids.js';
import type { Tally } from './tally.js';

interface Parts {
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly nonces: NonceSource;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly termsOf: TermsOf;
}

/** A message whose hand-out the ledger has on record. */
export interface ClaimedItem {
  readonly item: Buffered;
  readonly attempt: number;
  readonly nonce: number;
}

/** A message that was never handed out, as far as is known. */
export function unclaimed(item: Buffered): ClaimedItem {
  return { item, attempt: 1, nonce: 0 };
}

/** A ledger that refused is left alone for so long; by `#finish` each time for twice as long, up to the most. */
const AGAIN_MS = 1_000;
const MOST_AGAIN_MS = 60_000;
/** A ledger that refuses all it is asked says so this often. */
const WARN_MS = 10_000;

/** `stopped`: the gateway is going down, and the broker keeps what was not settled. `refused`: the ledger is there, and fails. */
type Written = 'ok' | 'stopped' | 'refused';

/** Stands between the backlog and the consumers: what is final, expired or used up goes no further. */
export class Gate {
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: Parts) {}

  /**
   * Asks the ledger about messages that may have been delivered before, and records their hand-out in the same step, so that
   * a settle by another gateway either came before and is seen, or comes after and is refused. Answers those to hand out; undefined,
   * after a pause, when the ledger failed: nothing is known of them, and they are to be asked about again.
   */
  async admit(channel: Channel, items: readonly Buffered[], consumer: string): Promise<ClaimedItem[] | undefined> {
    const { ledger, nonces, clock } = this.parts;
    const deliveredAt = clock.now();
    const claims = items.map(({ message }) => ({
      ...this.#keyOf(channel, message),
      nonce: nonces.next(),
      consumer,
      deliveredAt,
    }));
    let attempts: number[];
    try {
      attempts = await ledger.take(claims);
    } catch (error) {
      if (this.#failed(error, channel, 'messages could not be claimed; trying again') === 'stopped') return [];
      await pause(AGAIN_MS);
      return undefined;
    }
    const admitted: ClaimedItem[] = [];
    const usedUp: ClaimedItem[] = [];
    const policy = this.parts.channels.retryPolicy(channel);
    items.forEach((item, i) => {
      const attempt = attempts[i] ?? 0;
      const claimed = { item, attempt, nonce: claims[i]?.nonce ?? 0 };
      if (attempt === 0) item.frame.settleOne();
      else if (attemptNumber(attempt) > 1 && retryDelay(policy, attemptNumber(attempt) - 1) === undefined) {
        usedUp.push(claimed);
      } else admitted.push(claimed);
    });
    const reason = `not settled in ${policy.maxRetries + 1} attempts`;
    this.#finish(channel, usedUp, consumer, ({ message }) => ({ state: 'dead', reason, wire: message.wire }));
    return admitted;
  }

  /** Records hand-outs that are still going on; false for one that somebody else had since. */
  async confirm(deliveries: readonly Delivery[]): Promise<boolean[]> {
    const at = this.parts.clock.now();
    const entries = deliveries.map((delivery) => ({
      ...this.#keyOf(delivery.channel, delivery.message),
      nonce: delivery.nonce,
      attempt: delivery.attempt,
      consumer: delivery.consumer,
      deliveredAt: delivery.deliveredAt,
      change: { state: 'delivered' } as const,
      recorded: false,
      at,
    }));
    try {
      return (await this.parts.ledger.write(entries)).map((outcome) => outcome === 'ok');
    } catch (error) {
      this.parts.logger.debug({ error }, 'deliveries could not be confirmed');
      return deliveries.map(() => false);
    }
  }

  /** Records that messages were not handed out in time. */
  expire(channel: Channel, claimed: readonly ClaimedItem[], consumer: string): void {
    this.#finish(channel, claimed, consumer, () => ({ state: 'expired' }));
  }

  /** Their consumer was gone when they were admitted: no attempt is used. Answers the messages, to be admitted anew. */
  async giveBack(channel: Channel, claimed: readonly ClaimedItem[], consumer: string): Promise<Buffered[]> {
    const back = claimed.map((claim) => ({ ...claim, attempt: claim.attempt - 1 }));
    await this.#write(channel, back, consumer, () => ({ state: 'returned', reason: 'not handed out', unused: true }));
    return claimed.map(({ item }) => ({ ...item, verify: true }));
  }

  #finish(
    channel: Channel,
    claimed: readonly ClaimedItem[],
    consumer: string,
    change: (item: Buffered) => Change,
    againMs = AGAIN_MS,
  ): void {
    if (claimed.length === 0) return;
    void this.#write(channel, claimed, consumer, change).then(async (written) => {
      if (written === 'ok') for (const { item } of claimed) item.frame.settleOne();
      if (written !== 'refused') return;
      await pause(againMs);
      // Each by itself: one that the ledger cannot take must not keep the others.
      const left = claimed.filter(({ item }) => !item.frame.lost);
      for (const one of left) this.#finish(channel, [one], consumer, change, Math.min(2 * againMs, MOST_AGAIN_MS));
    });
  }

  async #write(
    channel: Channel,
    claimed: readonly ClaimedItem[],
    consumer: string,
    change: (item: Buffered) => Change,
  ): Promise<Written> {
    const at = this.parts.clock.now();
    const entries = claimed.map(({ item, attempt, nonce }) => ({
      ...this.#keyOf(channel, item.message),
      nonce: nonce === 0 ? this.parts.nonces.next() : nonce,
      attempt,
      consumer,
      deliveredAt: 0,
      change: change(item),
      recorded: false,
      at,
    }));
    try {
      this.parts.tally.settled(entries, await this.parts.ledger.write(entries));
      return 'ok';
    } catch (error) {
      return this.#failed(error, channel, 'what became of messages could not be recorded');
    }
  }

  /** A ledger that is away waits by itself, and says no more than that it was stopped. Whatever else it says is a fault. */
  #failed(error: unknown, channel: Channel, what: string): 'stopped' | 'refused' {
    const { logger, clock } = this.parts;
    const stopped = error instanceof BusError && error.reason === 'LEDGER_UNAVAILABLE';
    const steady = clock.steady();
    if (stopped || steady - this.#warnedAt < WARN_MS) {
      logger.debug({ error, channel: channel.name }, what);
    } else {
      this.#warnedAt = steady;
      logger.warn({ error, channel: channel.name }, what);
    }
    return stopped ? 'stopped' : 'refused';
  }

  #keyOf(channel: Channel, message: Buffered['message']) {
    const { topic, id, acceptedAt } = message;
    return { channel: channel.id, topic, id, acceptedAt, terms: this.parts.termsOf(message) };
  }
}

/** Nothing must keep the process for it. */
async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
