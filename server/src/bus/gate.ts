import type { Channel } from '../model/channel.js';
import { retryDelay } from '../model/retry-policy.js';
import type { Clock } from '../ports/clock.js';
import type { Change, Ledger } from '../ports/ledger.js';
import type { Logger } from '../ports/logger.js';
import type { Channels } from './channels.js';
import type { Buffered } from './delivery.js';
import type { NonceSource } from './ids.js';

interface Parts {
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly nonces: NonceSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Stands between the backlog and the consumers: what is final, expired or used up goes no further. */
export class Gate {
  constructor(private readonly parts: Parts) {}

  /**
   * Asks the ledger about messages that may have been delivered before, and records their hand-out in the same step, so that
   * a settle by another gateway either came before and is seen, or comes after and is refused. Answers those to hand out.
   */
  async admit(channel: Channel, items: readonly Buffered[], consumer: string): Promise<Buffered[]> {
    const { ledger, nonces, clock, logger } = this.parts;
    const deliveredAt = clock.now();
    const claims = items.map(({ message }) => ({
      ...handOutOf(channel, message),
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
    const admitted: Buffered[] = [];
    const usedUp: Buffered[] = [];
    const policy = this.parts.channels.retryPolicy(channel);
    items.forEach((item, i) => {
      const attempt = attempts[i] ?? 0;
      const claimed = { ...item, attempt, nonce: claims[i]?.nonce ?? 0 };
      if (attempt === 0) item.frame.settleOne();
      else if (attempt > 1 && retryDelay(policy, attempt - 1) === undefined) usedUp.push(claimed);
      else admitted.push(claimed);
    });
    if (usedUp.length > 0) {
      const reason = `not settled in ${policy.maxRetries + 1} attempts`;
      this.#finish(channel, usedUp, consumer, (item) => ({ state: 'dead', reason, wire: item.message.wire }));
    }
    return admitted;
  }

  /** Records that messages were not handed out in time. */
  expire(channel: Channel, items: readonly Buffered[], consumer: string): void {
    this.#finish(channel, items, consumer, () => ({ state: 'expired' }));
  }

  #finish(channel: Channel, items: readonly Buffered[], consumer: string, change: (item: Buffered) => Change): void {
    const at = this.parts.clock.now();
    const entries = items.map((item) => ({
      ...handOutOf(channel, item.message),
      nonce: item.nonce === 0 ? this.parts.nonces.next() : item.nonce,
      attempt: item.attempt === 0 ? 1 : item.attempt,
      consumer,
      deliveredAt: 0,
      change: change(item),
      recorded: false,
      at,
    }));
    this.parts.ledger.write(entries).then(
      () => {
        for (const { frame } of items) frame.settleOne();
      },
      (error: unknown) =>
        this.parts.logger.debug({ error, channel: channel.name }, 'the end of messages could not be recorded'),
    );
  }
}

function handOutOf(channel: Channel, message: Buffered['message']) {
  return { channel: channel.id, topic: message.topic, id: message.id, acceptedAt: message.acceptedAt };
}
