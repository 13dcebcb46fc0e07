import type { Channel as AmqpChannel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../../ports/logger.js';
import { HealingChannel } from './channel.js';
import { Cork } from './cork.js';
import type { Feed, LaneMember } from './feed.js';
import { Renewal, type RenewalTimes } from './renewal.js';

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
  /** The channel before a renewal, until nothing is left on it. */
  #retired: AmqpChannel | undefined;
  #renewing = false;
  readonly #renewal: Renewal;
  /** Since it was last looked at. */
  #delivered = false;

  constructor(renewal: RenewalTimes, logger: Logger) {
    this.#renewal = new Renewal(renewal);
    this.#channel = new HealingChannel<AmqpChannel>(
      {
        purpose: 'consume',
        create: (model) => model.createChannel(),
        setup: async (channel) => this.#listen(channel),
        opened: (channel) => this.#opened(channel),
        closed: () => this.#closed(),
        retiredClosed: () => this.#retiredClosed(),
      },
      logger,
    );
  }

  get size(): number {
    return this.#members.size;
  }

  /** While the lane is open: where feeds are started. */
  get amqp(): AmqpChannel | undefined {
    return this.#open;
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
    await feed.amqp?.cancel(feed.tag);
    this.forget(feed);
  }

  /** Drops a feed that is cancelled and empty. */
  forget(feed: Feed): void {
    if (feed.size > 0) return;
    this.#feeds.delete(feed.tag);
    this.#closeRetired();
  }

  /** To be called once a second: renews the channel when it is time. */
  async look(now: number): Promise<void> {
    const busy = this.#delivered || [...this.#feeds.values()].some(({ size }) => size > 0);
    this.#delivered = false;
    const due = this.#renewal.due(now, busy, this.#members.size);
    if (!due || this.#open === undefined || this.#retired !== undefined || this.#renewing) return;
    this.#renewing = true;
    try {
      if (!(await this.#allAnswer())) {
        this.#renewal.putOff(now);
        return;
      }
      await this.#channel.renew();
      // One by one, so that a broker has not to make hundreds of consumers at a time.
      for (const member of [...this.#members]) await member.renewed();
    } finally {
      this.#renewing = false;
      this.#closeRetired();
    }
  }

  /** To ask for a consumer of a queue that has no leader would cost all their connection. */
  async #allAnswer(): Promise<boolean> {
    for (const member of this.#members) if (!(await member.answers())) return false;
    return true;
  }

  #opened(channel: AmqpChannel): void {
    this.#retired = this.#open;
    this.#open = channel;
    this.#renewal.opened(performance.now());
    if (this.#retired !== undefined) return;
    for (const member of [...this.#members]) member.opened();
  }

  /** The broker then takes back whatever it counts as delivered there. */
  #closeRetired(): void {
    const retired = this.#retired;
    if (retired === undefined || this.#renewing || this.#isUsed(retired)) return;
    this.#retired = undefined;
    // Rejected, it was closed by now.
    retired.close().catch(() => undefined);
  }

  /** Where frames were held there, their consumers have to begin anew, and so does the lane. */
  #retiredClosed(): void {
    const retired = this.#retired;
    this.#retired = undefined;
    if (retired === undefined || !this.#isUsed(retired)) return;
    this.#open?.close().catch(() => undefined);
  }

  #isUsed(channel: AmqpChannel): boolean {
    return [...this.#feeds.values()].some(({ amqp }) => amqp === channel);
  }

  #listen(channel: AmqpChannel): void {
    // amqplib's own dispatch throws, and so closes the channel, for a frame of a consumer that was cancelled a moment ago;
    // quorum queues send such frames.
    channel.removeAllListeners('delivery');
    channel.removeAllListeners('cancel');
    channel.on('delivery', (message: ConsumeMessage) => {
      const feed = this.#feeds.get(message.fields.consumerTag);
      this.#delivered = true;
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
    const retired = this.#retired;
    this.#retired = undefined;
    // What it holds is void for its consumers, too.
    retired?.close().catch(() => undefined);
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
