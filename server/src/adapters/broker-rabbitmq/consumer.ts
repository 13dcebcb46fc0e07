import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import type { Channel } from '../../model/channel.js';
import type { BrokerConsumer, FrameSink } from '../../ports/broker.js';
import type { Logger } from '../../ports/logger.js';
import { refusalCode } from './channel.js';
import { GOOD_AFTER_MS, retryAfter } from './connection.js';
import { decode } from './encoding.js';
import { Feed, type FeedOwner } from './feed.js';
import type { Lane } from './lane.js';
import type { Probe } from './probe.js';
import type { RabbitQueues } from './queues.js';
import type { Topology } from './topology.js';

/**
 * The shortest time between two changes of a consumer's prefetch. A change is a cancel and a consume, which a quorum queue
 * replicates like messages: measured 6 ms a change on a quorum queue of one busy node, 0.7 ms on a classic one.
 */
const TUNE_MS = 250;
/** A queue without a leader gets one any time. */
const LEADERLESS_MS = 1_000;

export interface ConsumerOptions {
  readonly channel: Channel;
  readonly sink: FrameSink;
  readonly lane: Lane;
  readonly topology: Topology;
  readonly queues: RabbitQueues;
  readonly probe: Probe;
  /** The most frames to ask for, whatever is wanted. */
  readonly prefetchLimit: number;
  /** Unlike any other consumer's on the connection. */
  readonly tag: string;
  readonly logger: Logger;
  stopped(): void;
}

/**
 * The consumer of one channel's queue.
 *
 *   waiting for the lane ──opened──▶ declaring the queue ──▶ ready: at most one feed, as large as is wanted
 *        ▲    ▲                          │      ▲ backoff      │  │
 *        │    └───────── lane closed ────┘      └── cancelled ─┘  │
 *        └────────────── lane closed ─────────────────────────────┘
 *
 * When less is wanted than before, the frames that older feeds still hold count against it, so that a slow consumer never
 * holds more than was last asked for (but see `#tune`).
 */
export class RabbitConsumer implements BrokerConsumer, FeedOwner {
  readonly #options: ConsumerOptions;
  readonly #queue: string;
  #wanted = 0;
  #feed: Feed | undefined;
  /** Cancelled feeds that hold frames. */
  readonly #older = new Set<Feed>();
  #feeds = 0;
  /** Counts the times that readiness was lost: what began before is then void. */
  #era = 0;
  #ready = false;
  #readyAt = 0;
  #failures = 0;
  /** When the queue was last asked, it took no consumer. */
  #leaderless = false;
  #tunedAt = Number.NEGATIVE_INFINITY;
  #tuning: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#queue = options.topology.queue(options.channel);
    options.lane.join(this);
  }

  prefetch(frames: number): void {
    this.#wanted = Math.max(0, Math.min(Math.floor(frames), this.#options.prefetchLimit));
    this.#tune();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wanted = 0;
    clearTimeout(this.#timer);
    this.#options.lane.leave(this);
    this.#options.stopped();
    await this.#tuning;
    if (this.#feed !== undefined) await this.#change(() => 0);
  }

  opened(): void {
    this.#establish();
  }

  async answers(): Promise<boolean> {
    if (this.#feed === undefined) return true;
    const consumers = await this.#options.queues.consumers(this.#options.channel).catch(() => 0);
    return consumers > 0;
  }

  async renewed(): Promise<void> {
    while (this.#tuning !== undefined) await this.#tuning;
    if (!this.#ready || this.#feed === undefined || this.#feed.amqp === this.#options.lane.amqp) return;
    // What is held of the old feed does not count here, or a busy consumer would pause.
    await this.#tuneBy(this.#change(() => this.#wanted));
  }

  closed(lost: boolean): void {
    this.#unready();
    if (lost) this.#options.sink.lost();
  }

  cancelled(feed: Feed): void {
    const { lane, logger, sink } = this.#options;
    logger.warn({ queue: this.#queue }, 'RabbitMQ cancelled a consumer');
    const older = [...this.#older];
    const lost = feed.size > 0 || older.some(({ size }) => size > 0);
    this.#unready();
    feed.void();
    // The broker holds these for the channel still, but `lost` is about all of them.
    for (const other of older) other.requeueAll();
    this.#failures++;
    if (lost) sink.lost();
    if (lane.amqp !== undefined) this.#establish();
  }

  deliver(message: ConsumeMessage, feed: Feed): void {
    const { messages, verify } = decode(message, this.#options.channel.topic);
    this.#options.sink.frame(feed.hold(message, messages, verify));
  }

  settled(feed: Feed): void {
    if (feed === this.#feed) return;
    if (feed.size === 0) {
      this.#older.delete(feed);
      this.#options.lane.forget(feed);
    }
    this.#tune();
  }

  #unready(): void {
    if (this.#ready && performance.now() - this.#readyAt > GOOD_AFTER_MS) this.#failures = 0;
    this.#era++;
    this.#ready = false;
    this.#feed = undefined;
    this.#older.clear();
  }

  #establish(): void {
    if (this.#stop.signal.aborted) return;
    this.#declare(this.#era).catch((error: unknown) => {
      this.#options.logger.error({ queue: this.#queue, error }, 'a consumer could not be set up');
    });
  }

  async #declare(era: number): Promise<void> {
    const { topology, channel, logger } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      const wait = this.#leaderless ? LEADERLESS_MS : this.#failures > 0 ? retryAfter(this.#failures) : 0;
      if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined);
      if (era !== this.#era || signal.aborted) return;
      try {
        await topology.declare(channel, signal);
        if (await this.#isConsumable()) break;
      } catch (error) {
        if (era !== this.#era || signal.aborted) return;
        this.#failures++;
        const retryInMs = retryAfter(this.#failures);
        logger.error({ queue: this.#queue, error, retryInMs }, 'a queue can not be consumed');
      }
    }
    if (era !== this.#era || signal.aborted) return;
    this.#ready = true;
    this.#readyAt = performance.now();
    this.#tune();
  }

  /** Asks only where there is a doubt. */
  async #isConsumable(): Promise<boolean> {
    const { probe, logger } = this.#options;
    if (!this.#leaderless && !probe.isWanted) return true;
    try {
      await probe.ask(this.#queue);
      this.#leaderless = false;
    } catch (error) {
      const fields = { queue: this.#queue, error, retryInMs: LEADERLESS_MS };
      if (this.#leaderless) logger.debug(fields, 'a queue can still not be consumed');
      else logger.error(fields, 'a queue can not be consumed');
      this.#leaderless = true;
    }
    return !this.#leaderless;
  }

  /** What the current feed should hold at most. */
  get #room(): number {
    let held = 0;
    for (const feed of this.#older) held += feed.size;
    return Math.max(0, this.#wanted - held);
  }

  /**
   * Brings the feed in line with what is wanted. To stop is done at once, and so is a start or a growth that follows no other
   * change within `TUNE_MS`. A feed that is up to twice as large as wanted is left alone: credit that swings would otherwise
   * cost a change each time.
   */
  #tune(): void {
    if (!this.#ready || this.#tuning !== undefined) return;
    const current = this.#feed?.prefetch ?? 0;
    const room = this.#room;
    if (room === current || (room < current && room > 0 && room * 2 >= current)) return;
    const wait = room === 0 ? 0 : this.#tunedAt + TUNE_MS - performance.now();
    if (wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#tune();
      }, wait);
      return;
    }
    void this.#tuneBy(this.#change(() => this.#room));
  }

  #tuneBy(change: Promise<void>): Promise<void> {
    const tuning = change.finally(() => {
      this.#tuning = undefined;
      this.#tune();
    });
    this.#tuning = tuning;
    return tuning;
  }

  /** `size`: of the next feed, asked for when the broker has ended the one before. */
  async #change(size: () => number): Promise<void> {
    const { lane, logger } = this.#options;
    const era = this.#era;
    try {
      const old = this.#feed;
      this.#feed = undefined;
      if (old !== undefined) {
        // Frames on their way are counted to the old feed, so the room is known only after the broker has ended it.
        this.#older.add(old);
        await lane.cancel(old);
        if (era !== this.#era) return;
        if (old.size === 0) this.#older.delete(old);
      }
      const room = size();
      if (room === 0 || !this.#ready || this.#stop.signal.aborted) return;
      this.#tunedAt = performance.now();
      this.#feed = new Feed(`${this.#options.tag}.${++this.#feeds}`, room, this);
      await lane.start(this.#feed, this.#queue);
    } catch (error) {
      // A lane that closed has said so by itself. Who caused it waits longer the next time, for its neighbours' sake.
      if (refusalCode(error) === undefined) return;
      this.#failures++;
      logger.error({ queue: this.#queue, error }, 'RabbitMQ refused a consumer');
    }
  }
}
