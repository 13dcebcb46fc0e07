import type { ChannelId } from '../model/channel.js';
import type { BusError, Reason } from '../model/errors.js';
import type { Message } from '../model/message.js';
import type { Entry, Outcome } from '../ports/ledger.js';
import type { Totals } from '../ports/node-board.js';
import { type Journal, silentTelemetry } from '../ports/telemetry.js';

/** What became of one channel's messages here. */
export class ChannelTally {
  delivered = 0;
  redelivered = 0;
  acked = 0;
  retried = 0;
  dead = 0;
  expired = 0;
}

/** What this gateway has done since its start, in messages. Plain numbers: counting one takes about a nanosecond. */
export class Tally {
  published = 0;
  scheduled = 0;
  parked = 0;
  duplicates = 0;
  delivered = 0;
  acked = 0;
  retried = 0;
  dead = 0;
  expired = 0;
  leasesExpired = 0;
  /** Times that a channel's buffer went back because another gateway was hungry. */
  gaveWay = 0;
  /** Messages accepted, by topic. */
  readonly topics = new Map<string, number>();
  readonly channels = new Map<ChannelId, ChannelTally>();
  /** Of all that have no tally of their own. */
  readonly otherChannels = new ChannelTally();
  otherTopics = 0;
  readonly refused = new Map<Reason, number>();
  /** Of the refused: those that a limit refused, by its config key. */
  readonly limits = new Map<string, number>();
  /** What was counted last is mostly what is counted next. */
  #last: { readonly id: ChannelId; readonly tally: ChannelTally } | undefined;

  constructor(
    /** The most topics, and the most channels, that are counted one by one; config `MetricsMaxChannels`. */
    private readonly most = 0,
    private readonly journal: Journal = silentTelemetry.journal,
  ) {}

  accepted(topic: string, count: number): void {
    this.published += count;
    const before = this.topics.get(topic);
    if (before !== undefined) this.topics.set(topic, before + count);
    else if (this.topics.size < this.most) this.topics.set(topic, count);
    else this.otherTopics += count;
  }

  handedOut(channel: ChannelId, count: number): void {
    this.delivered += count;
    this.#of(channel).delivered += count;
  }

  /** Of those that were handed out: not for the first time. */
  redelivered(channel: ChannelId, count: number): void {
    this.#of(channel).redelivered += count;
  }

  /** Counts what the ledger took. */
  settled(entries: readonly Entry[], outcomes: readonly Outcome[]): void {
    for (let i = 0; i < entries.length; i++) {
      if (outcomes[i] !== 'ok') continue;
      const entry = entries[i] as Entry;
      switch (entry.change.state) {
        case 'acked':
          this.acked++;
          this.#of(entry.channel).acked++;
          break;
        case 'retry':
        case 'returned':
          this.retried++;
          this.#of(entry.channel).retried++;
          break;
        case 'dead':
          this.dead++;
          this.#of(entry.channel).dead++;
          this.journal.dead({ ...entry, change: entry.change });
          break;
        case 'expired':
          this.expired++;
          this.#of(entry.channel).expired++;
          this.journal.expired({ ...entry, change: {} });
      }
    }
  }

  /** A message expired while it waited for its time. */
  expiredWaiting(channel: ChannelId | undefined, { topic, id, wire }: Message): void {
    this.expired++;
    if (channel !== undefined) this.#of(channel).expired++;
    this.journal.expired({ channel: channel ?? 0, topic, id, attempt: 0, consumer: '', change: { wire } });
  }

  refuse(error: BusError): void {
    this.refused.set(error.reason, (this.refused.get(error.reason) ?? 0) + 1);
    const { key } = error;
    if (key !== undefined) this.limits.set(key, (this.limits.get(key) ?? 0) + 1);
  }

  get totals(): Totals {
    const { published, delivered, acked, retried, dead, expired } = this;
    return { published, delivered, acked, retried, dead, expired };
  }

  #of(id: ChannelId): ChannelTally {
    if (this.#last?.id === id) return this.#last.tally;
    let tally = this.channels.get(id);
    if (tally === undefined) {
      if (this.channels.size >= this.most) return this.otherChannels;
      tally = new ChannelTally();
      this.channels.set(id, tally);
    }
    this.#last = { id, tally };
    return tally;
  }
}
