import type { Channel as AmqpChannel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../../ports/logger.js';
import { HealingChannel } from './channel.js';
import { Cork } from './cork.js';
import type { Feed, LaneMember } from './feed.js';

/**
 * One AMQP channel that many consumers share. An AMQP channel a consumer would be simple, but brokers allow 2,047 a
 * connection and each is a process there; the price of sharing is that a consumer that the broker refuses takes its
 * neighbours' unsettled frames with it, so each backs off by itself.
 */
export class Lane {
  readonly #members = new Set<LaneMember>();
  readonly #feeds = new Map<string, Feed>();
  readonly #channel: HealingChannel<AmqpChannel>;
  /** A connection on which the lane is not asked for yet: it opens with its first member. */
  #unused: ChannelModel | undefined;
  #open: AmqpChannel | undefined;
  #cork: Cork | undefined;

  constructor(logger: Logger) {
    this.#channel = new HealingChannel<AmqpChannel>(
      {
        purpose: 'consume',
        create: (model) => model.createChannel(),
        setup: async (channel) => this.#listen(channel),
        opened: (channel) => {
          this.#open = channel;
          for (const member of [...this.#members]) member.opened();
        },
        closed: () => this.#closed(),
      },
      logger,
    );
  }

  get size(): number {
    return this.#members.size;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  async up(model: ChannelModel): Promise<void> {
    this.#cork = new Cork(model);
    if (this.#members.size > 0) await this.#channel.up(model);
    else this.#unused = model;
  }

  down(): void {
    this.#unused = undefined;
    this.#channel.down();
  }

  join(member: LaneMember): void {
    this.#members.add(member);
    if (this.#unused !== undefined) this.#channel.start(this.#unused);
    this.#unused = undefined;
    if (this.#open !== undefined) member.opened();
  }

  leave(member: LaneMember): void {
    this.#members.delete(member);
  }

  /** Rejects when the broker refuses, which closes the lane. Deliveries may come before it resolves. */
  async start(feed: Feed, queue: string): Promise<void> {
    const amqp = this.#open;
    if (amqp === undefined) throw new Error('the lane is closed');
    this.#feeds.set(feed.tag, feed);
    feed.attach(amqp, this.#cork);
    // Both are queued in this tick, so no other consumer's prefetch comes between them.
    const limited = amqp.prefetch(feed.prefetch);
    const started = amqp.consume(queue, ignore, { consumerTag: feed.tag });
    await Promise.all([limited, started]);
  }

  /** No new frames for the feed; what it holds can still be settled. */
  async cancel(feed: Feed): Promise<void> {
    await this.#open?.cancel(feed.tag);
    this.forget(feed);
  }

  /** Drops a feed that is cancelled and empty. */
  forget(feed: Feed): void {
    if (feed.size === 0) this.#feeds.delete(feed.tag);
  }

  #listen(channel: AmqpChannel): void {
    // amqplib's own dispatch throws, and so closes the channel, for a frame of a consumer that was cancelled a moment ago;
    // quorum queues send such frames.
    channel.removeAllListeners('delivery');
    channel.removeAllListeners('cancel');
    channel.on('delivery', (message: ConsumeMessage) => {
      const feed = this.#feeds.get(message.fields.consumerTag);
      if (feed !== undefined) feed.deliver(message);
      else channel.nack(message, false, true);
    });
    channel.on('cancel', ({ consumerTag }) => {
      const feed = this.#feeds.get(consumerTag);
      this.#feeds.delete(consumerTag);
      feed?.owner.cancelled(feed);
    });
  }

  #closed(): void {
    this.#open = undefined;
    const losers = new Set<LaneMember>();
    for (const feed of this.#feeds.values()) {
      if (feed.size > 0) losers.add(feed.owner);
      feed.void();
    }
    this.#feeds.clear();
    // A consumer that was stopped is no member any more, but may still hold frames.
    for (const member of new Set([...this.#members, ...losers])) member.closed(losers.has(member));
  }
}

function ignore(): void {}
