import type { Channel, ChannelId } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import { encodeFrame } from '../../model/frame-codec.js';
import type { Frame } from '../../model/message.js';
import type { Broker, BrokerConsumer, Destination, FrameSink, Routing } from '../../ports/broker.js';
import { cameMeanwhile } from '../../ports/queues.js';
import type { Store } from '../sqlite/store.js';
import { ChannelQueue } from './consumer.js';
import { type Acked, type Frames, framesOf } from './frames.js';
import { Routes } from './routes.js';

/** What waits in one queue. */
export interface Waiting {
  readonly frames: number;
  readonly messages: number;
  readonly approximate: boolean;
  /** The body of the first frame. */
  readonly first: Uint8Array | undefined;
}

export interface SqliteBrokerOptions {
  /** The most bytes of frames that wait for their commit; past it a publish is OVERLOADED. 64 MiB unless set. */
  readonly maxWaitingBytes?: number;
}

const UNAVAILABLE = 'BROKER_UNAVAILABLE';
const NO_CHANNEL: readonly ChannelId[] = [];

/**
 * Keeps frames in the data file. A publish waits for the group commit that holds it, and for nothing else: while the store
 * is at fault it rejects at once.
 */
export class SqliteBroker implements Broker {
  readonly name = 'sqlite';
  readonly #store: Store;
  readonly #frames: Frames;
  readonly #routes = new Routes();
  readonly #queues = new Map<ChannelId, ChannelQueue>();
  readonly #maxWaitingBytes: number;
  /** What was in the file before this process: it may have been handed out by the one before. */
  readonly #lastOfOthers: number;
  #waitingBytes = 0;
  #acked: Acked[] | undefined;
  #unforgotten: Acked[] = [];
  #stopped = false;

  constructor(store: Store, { maxWaitingBytes = 64 * 1024 * 1024 }: SqliteBrokerOptions = {}) {
    this.#store = store;
    this.#frames = framesOf(store);
    this.#maxWaitingBytes = maxWaitingBytes;
    const bindings = store.prepare<{ id: ChannelId; topic: string; name: string }>(
      'SELECT channel_id AS id, topic, name FROM bindings ORDER BY channel_id',
    );
    this.#lastOfOthers = store.read(UNAVAILABLE, () => {
      for (const binding of bindings.all()) this.#routes.add({ ...binding, retry: undefined });
      return this.#frames.last();
    });
  }

  async start(): Promise<void> {}

  /** What was acked is forgotten by the store's own stop at the latest, which comes after. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const queue of this.#queues.values()) queue.lose();
  }

  health(): string | undefined {
    return this.#store.health();
  }

  async publish(frame: Frame, to: Destination, signal?: AbortSignal): Promise<Routing> {
    this.#checkOpen(signal);
    const body = encodeFrame(frame.messages);
    // One frame is always let in, however large it is.
    if (this.#waitingBytes > 0 && this.#waitingBytes + body.length > this.#maxWaitingBytes) {
      throw new BusError('OVERLOADED', `${this.#waitingBytes} bytes of frames wait for the disk already`);
    }
    this.#waitingBytes += body.length;
    try {
      const channels = await this.#store.write(UNAVAILABLE, () => {
        const wanted = this.#channelsOf(to);
        if (wanted.length > 0) this.#frames.add(frame, body, wanted);
        return wanted;
      });
      for (const channel of channels) this.#queues.get(channel)?.wake();
      return channels.length > 0 ? 'routed' : 'unroutable';
    } finally {
      this.#waitingBytes -= body.length;
    }
  }

  async declare(channel: Channel, signal?: AbortSignal): Promise<void> {
    const { id, topic, name } = channel;
    const known = this.#routes.get(id);
    if (known !== undefined) {
      if (known.topic === topic && known.name === name) return;
      throw new BusError('QUEUE_CONFLICT', `queue ${id} is of ${known.topic}/${known.name}, not of ${topic}/${name}`);
    }
    this.#checkOpen(signal);
    const insert = this.#store.prepare('INSERT OR IGNORE INTO bindings (channel_id, topic, name) VALUES (?, ?, ?)');
    await this.#store.write(UNAVAILABLE, () => insert.run(id, topic, name));
    this.#routes.add(channel);
  }

  consume(channel: Channel, sink: FrameSink): BrokerConsumer {
    let queue = this.#queues.get(channel.id);
    if (queue === undefined) {
      queue = new ChannelQueue(channel.id, this.#frames, this.#store, this.#lastOfOthers, (seq) =>
        this.#forget(channel.id, seq),
      );
      this.#queues.set(channel.id, queue);
    }
    return queue.add(sink);
  }

  /** What is in the queue and with no consumer. */
  waiting(channel: ChannelId): Waiting {
    return this.#store.read(UNAVAILABLE, () => {
      const { cursor, returned } = this.#queues.get(channel)?.position ?? { cursor: 0, returned: [] };
      const ahead = this.#frames.count(channel, cursor);
      const behind = this.#frames.these(returned.slice(0, 1))[0];
      const messages = ahead.messages + this.#frames.messagesOf(channel, returned);
      const first = behind ?? this.#frames.after(channel, cursor, 1)[0];
      // Of a frame that the process before had handed out, some messages may be settled.
      const approximate = ahead.more || (first !== undefined && first.seq <= this.#lastOfOthers);
      return { frames: ahead.frames + returned.length, messages, approximate, first: first?.body };
    });
  }

  /** Removes the channel's queue; with what is in it, or only when that is nothing. */
  async remove(channel: Channel, withContents: boolean): Promise<void> {
    const { id, topic, name } = channel;
    if (this.#queues.get(id)?.consumed === true) {
      throw new BusError('CHANNEL_IN_USE', `channel "${name}" of "${topic}" has a consumer`);
    }
    this.#checkOpen(undefined);
    const unbind = this.#store.prepare('DELETE FROM bindings WHERE channel_id = ?');
    try {
      await this.#store.write(UNAVAILABLE, () => {
        if (!withContents && this.#frames.count(id, 0).frames > 0) throw cameMeanwhile(channel);
        unbind.run(id);
        this.#frames.clear(id);
        // In its own turn: a publish behind it in the same commit must not find the route.
        this.#routes.remove(id);
      });
    } catch (error) {
      this.#routes.add({ id, topic, name, retry: undefined });
      throw error;
    }
    this.#queues.delete(id);
  }

  #channelsOf(to: Destination): readonly ChannelId[] {
    if ('topic' in to) return this.#routes.of(to.topic);
    return this.#routes.get(to.channel.id) === undefined ? NO_CHANNEL : [to.channel.id];
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#stopped) throw new BusError(UNAVAILABLE, 'the gateway is stopping');
    if (signal?.aborted) throw new BusError(UNAVAILABLE, 'the call was given up', { cause: signal.reason });
  }

  /** Acks of one tick are one operation: the frame's own caller does not wait for it. */
  #forget(channel: ChannelId, seq: number): void {
    if (this.#acked !== undefined) {
      this.#acked.push({ channel, seq });
      return;
    }
    const acked = [...this.#unforgotten, { channel, seq }];
    this.#acked = acked;
    this.#unforgotten = [];
    this.#store
      .write(UNAVAILABLE, () => {
        if (this.#acked === acked) this.#acked = undefined;
        this.#frames.forget(acked);
      })
      .catch((error: unknown) => {
        if (this.#acked === acked) this.#acked = undefined;
        // Settled in the ledger and behind every cursor: they take room until a later ack takes them along, or come again
        // after a restart, to be dropped.
        this.#unforgotten = this.#unforgotten.concat(acked);
        this.#store.logger.warn({ error, frames: acked.length }, 'could not forget acked frames');
      });
  }
}
