import type { ChannelId } from '../../model/channel.js';
import { decodeFrame } from '../../model/frame-codec.js';
import type { Message } from '../../model/message.js';
import type { BrokerConsumer, FrameDelivery, FrameSink } from '../../ports/broker.js';
import type { Store } from '../sqlite/store.js';
import type { FrameRow, Frames } from './frames.js';

/** The most frames that one look at the file takes: bounds the memory, and the time that others wait. */
const MAX_LOOK = 64;
/** How long to wait when the file could not be read. */
const RETRY_MS = 1_000;

/**
 * Hands one channel's frames to its consumers, in order, as far as their prefetch goes.
 *
 * It reads only what it can hand out, past the last frame that it read (the cursor); nothing is buffered. What comes back by
 * `requeue` lies behind the cursor and is handed out first.
 */
export class ChannelQueue {
  readonly #channel: ChannelId;
  readonly #frames: Frames;
  readonly #store: Store;
  readonly #lastOfOthers: number;
  readonly #forget: (seq: number) => void;
  #consumers: Consumer[] = [];
  #returned: number[] = [];
  #cursor = 0;
  #turn = 0;
  #awake = false;
  /** False when the last look found the end of the queue. */
  #more = true;

  constructor(channel: ChannelId, frames: Frames, store: Store, lastOfOthers: number, forget: (seq: number) => void) {
    this.#channel = channel;
    this.#frames = frames;
    this.#store = store;
    this.#lastOfOthers = lastOfOthers;
    this.#forget = forget;
  }

  add(sink: FrameSink): BrokerConsumer {
    const consumer = new Consumer(sink, this);
    this.#consumers.push(consumer);
    return consumer;
  }

  remove(consumer: Consumer): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
  }

  /** Up to where frames were read, and those of them that came back. */
  get position(): { readonly cursor: number; readonly returned: readonly number[] } {
    return { cursor: this.#cursor, returned: this.#returned };
  }

  get consumed(): boolean {
    return this.#consumers.length > 0;
  }

  /** A commit brought a frame. */
  wake(): void {
    this.#more = true;
    this.look();
  }

  /** A consumer has room, or a frame came back: looks in a moment, once for all that happens in this tick. */
  look(): void {
    if (this.#awake || !(this.#more || this.#returned.length > 0)) return;
    this.#awake = true;
    setImmediate(() => {
      this.#awake = false;
      this.#handOut();
    });
  }

  settled(seq: number, how: 'ack' | 'requeue'): void {
    if (how === 'ack') {
      this.#forget(seq);
    } else {
      const later = this.#returned.findIndex((other) => other > seq);
      this.#returned.splice(later < 0 ? this.#returned.length : later, 0, seq);
    }
    this.look();
  }

  /** The broker stops: nothing that is out can be settled any more. */
  lose(): void {
    for (const consumer of this.#consumers) consumer.lose();
    this.#consumers = [];
  }

  #handOut(): void {
    let room = 0;
    for (const consumer of this.#consumers) room += consumer.room;
    const limit = Math.min(room, MAX_LOOK);
    if (limit === 0) return;
    const returned = this.#returned.slice(0, limit);
    const left = this.#more ? limit - returned.length : 0;
    let again: FrameRow[];
    let fresh: FrameRow[];
    try {
      [again, fresh] = this.#store.read('BROKER_UNAVAILABLE', () => [
        this.#frames.these(returned),
        left > 0 ? this.#frames.after(this.#channel, this.#cursor, left) : [],
      ]);
    } catch (error) {
      this.#store.logger.error({ error, channel: this.#channel }, 'could not read the queue');
      setTimeout(() => this.look(), RETRY_MS).unref();
      return;
    }
    this.#returned.splice(0, returned.length);
    if (left > 0) this.#more = fresh.length === left;
    this.#cursor = fresh.at(-1)?.seq ?? this.#cursor;
    for (const row of again) this.#deliver(row, true);
    for (const row of fresh) {
      // A sink may have lowered its prefetch while it was given the frames before this one: the rest stays where it is.
      if (this.#next() === undefined) {
        this.#cursor = row.seq - 1;
        this.#more = true;
        break;
      }
      this.#deliver(row, false);
    }
    // There may be more room than one look serves.
    this.look();
  }

  #deliver(row: FrameRow, again: boolean): void {
    let messages: Message[];
    try {
      messages = decodeFrame(Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength));
    } catch (error) {
      this.#store.logger.error({ error, channel: this.#channel, frame: row.seq }, 'a frame cannot be read, and stays');
      return;
    }
    const verify = again || row.verify !== 0 || row.seq <= this.#lastOfOthers;
    const consumer = this.#next();
    // Of what came back, some may find no room any more.
    if (consumer === undefined) this.settled(row.seq, 'requeue');
    else consumer.deliver(row.seq, messages, verify);
  }

  /** Consumers take turns, so that one of them does not starve the others. */
  #next(): Consumer | undefined {
    for (let tried = 0; tried < this.#consumers.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#consumers.length;
      const consumer = this.#consumers[this.#turn];
      if (consumer !== undefined && consumer.room > 0) return consumer;
    }
    return undefined;
  }
}

class Consumer implements BrokerConsumer {
  readonly #sink: FrameSink;
  readonly #queue: ChannelQueue;
  #prefetch = 0;
  #unsettled = 0;
  #lost = false;

  constructor(sink: FrameSink, queue: ChannelQueue) {
    this.#sink = sink;
    this.#queue = queue;
  }

  get room(): number {
    return Math.max(0, this.#prefetch - this.#unsettled);
  }

  prefetch(frames: number): void {
    this.#prefetch = frames;
    if (this.room > 0) this.#queue.look();
  }

  async stop(): Promise<void> {
    this.#prefetch = 0;
    this.#queue.remove(this);
  }

  deliver(seq: number, messages: readonly Message[], verify: boolean): void {
    this.#unsettled++;
    this.#sink.frame(new Delivery(this, seq, messages, verify));
  }

  settled(seq: number, how: 'ack' | 'requeue'): void {
    if (this.#lost) return;
    this.#unsettled--;
    this.#queue.settled(seq, how);
  }

  lose(): void {
    this.#prefetch = 0;
    this.#lost = true;
    this.#sink.lost();
  }
}

class Delivery implements FrameDelivery {
  readonly #consumer: Consumer;
  readonly #seq: number;

  constructor(
    consumer: Consumer,
    seq: number,
    readonly messages: readonly Message[],
    readonly verify: boolean,
  ) {
    this.#consumer = consumer;
    this.#seq = seq;
  }

  ack(): void {
    this.#consumer.settled(this.#seq, 'ack');
  }

  requeue(): void {
    this.#consumer.settled(this.#seq, 'requeue');
  }
}
