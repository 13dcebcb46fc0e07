import { attemptNumber } from '../model/attempt.js';
import type { Channel } from '../model/channel.js';
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

/** Stands between the backlog and the consumers: what is final, expired or used up goes no further. */
export class Gate {
  constructor(private readonly parts: Parts) {}

  /**
   * Asks the ledger about messages that may have been delivered before, and records their hand-out in the same step, so that
   * a settle by another gateway either came before and is seen, or comes after and is refused. Answers those to hand out.
   */
  async admit(channel: Channel, items: readonly Buffered[], consumer: string): Promise<ClaimedItem[]> {
    const { ledger, nonces, clock, logger } = this.parts;
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
      // The ledger was stopped: the gateway is going down, and the broker keeps what was not handed out.
      logger.debug({ error, channel: channel.name }, 'messages could not be claimed');
      return [];
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
  ): void {
    if (claimed.length === 0) return;
    void this.#write(channel, claimed, consumer, change).then((written) => {
      if (written) for (const { item } of claimed) item.frame.settleOne();
    });
  }

  /** False when the ledger was stopped before it answered. */
  async #write(
    channel: Channel,
    claimed: readonly ClaimedItem[],
    consumer: string,
    change: (item: Buffered) => Change,
  ): Promise<boolean> {
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
      return true;
    } catch (error) {
      this.parts.logger.debug({ error, channel: channel.name }, 'what became of messages could not be recorded');
      return false;
    }
  }

  #keyOf(channel: Channel, message: Buffered['message']) {
    const { topic, id, acceptedAt } = message;
    return { channel: channel.id, topic, id, acceptedAt, terms: this.parts.termsOf(message) };
  }
}
