import { setTimeout as delay } from 'node:timers/promises';
import { type Message as AmqpMessage, type ChannelModel, type ConfirmChannel, IllegalOperationError } from 'amqplib';
import { BusError } from '../../model/errors.js';
import type { Frame } from '../../model/message.js';
import type { Destination, Routing } from '../../ports/broker.js';
import type { Logger } from '../../ports/logger.js';
import { HealingChannel } from './channel.js';
import { Confirms } from './confirms.js';
import { Cork } from './cork.js';
import { encode } from './encoding.js';
import { Patience } from './patience.js';
import type { Topology } from './topology.js';

/** Bounds what the bookkeeping of very small frames costs. */
const MAX_PENDING_FRAMES = 100_000;
/** A channel that nacks is not replaced before this age, and what it has not confirmed yet is waited for no longer. */
const REPLACE_MS = 1_000;
const SETTLE_MS = 500;
/** How often the signals of what waits are looked at. One look at all of them costs far less than a listener on each. */
const SWEEP_MS = 50;

export interface PublisherOptions {
  /** Bytes of all frames that wait to be written or confirmed. */
  readonly maxPendingBytes: number;
  readonly topology: Topology;
  readonly logger: Logger;
}

/**
 * One publish, from the call to the confirm.
 *
 *   waiting ──▶ written ──▶ confirmed (routed, or unroutable when it was returned before)
 *      │           ├──────▶ nacked, or the channel closed: BROKER_UNAVAILABLE
 *      └───────────┴──────▶ given up by its signal: BROKER_UNAVAILABLE; if written, its bytes count until the confirm
 */
class Publish {
  returned = false;
  settled = false;
  /** By the steady clock, in milliseconds. */
  writtenAt = 0;

  constructor(
    readonly frame: Frame,
    readonly to: Destination,
    readonly bytes: number,
    readonly signal: AbortSignal | undefined,
    readonly resolve: (routing: Routing) => void,
    readonly reject: (error: BusError) => void,
  ) {}
}

/**
 * Writes frames to a confirm channel, pipelined. What can't be written now (no connection, an alarm, a full socket) waits in
 * order. What was written and not confirmed when the channel closes is rejected and never sent again by itself: only the
 * caller knows whether a copy does harm.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #channel: HealingChannel<ConfirmChannel>;
  #open: ConfirmChannel | undefined;
  #openedAt = 0;
  readonly #patience = new Patience();
  #confirms = new Confirms<Publish>();
  #waiting: Publish[] = [];
  /** Of `#waiting`, what was taken already; spares moving the rest on every write. */
  #head = 0;
  #frames = 0;
  #bytes = 0;
  #blocked = false;
  #full = false;
  #cork: Cork | undefined;
  #stopped = false;
  /** The broker's limit for one message, once it refused one. */
  #maxMessageBytes = Number.POSITIVE_INFINITY;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#channel = new HealingChannel<ConfirmChannel>(
      {
        purpose: 'publish',
        create: (model) => model.createConfirmChannel(),
        setup: (channel) => options.topology.declareExchange(channel),
        opened: (channel) => this.#opened(channel),
        closed: (error) => this.#closed(error),
      },
      options.logger,
    );
  }

  up(model: ChannelModel): Promise<void> {
    this.#cork = new Cork(model);
    return this.#channel.up(model);
  }

  down(): void {
    this.#channel.down();
  }

  blocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (blocked) return;
    this.#patience.unblocked(performance.now());
    this.#flush();
  }

  stop(): void {
    this.#stopped = true;
    this.#giveUp(() => true, 'the gateway stops');
    clearInterval(this.#sweep);
  }

  publish(frame: Frame, to: Destination, signal: AbortSignal | undefined): Promise<Routing> {
    let bytes = 0;
    for (const message of frame.messages) bytes += message.wire.length;
    const refused = this.#refusal(bytes, signal);
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const publish = new Publish(frame, to, bytes, signal, resolve, reject);
      this.#frames++;
      this.#bytes += bytes;
      this.#sweep ??= setInterval(() => this.#sweepSignals(), SWEEP_MS);
      const first = this.#head === this.#waiting.length;
      if (!first || !this.#write(publish)) this.#waiting.push(publish);
    });
  }

  #refusal(bytes: number, signal: AbortSignal | undefined): BusError | undefined {
    if (this.#stopped) return unavailable('the gateway stops');
    if (signal?.aborted === true) return unavailable('the call ended before the broker was asked');
    if (bytes > this.#maxMessageBytes) return tooLarge(bytes, this.#maxMessageBytes);
    // A frame that is larger than the bound goes alone.
    const full = this.#frames > 0 && this.#bytes + bytes > this.#options.maxPendingBytes;
    if (!full && this.#frames < MAX_PENDING_FRAMES) return undefined;
    return new BusError(
      'OVERLOADED',
      `${this.#frames} publishes (${this.#bytes} bytes) wait for RabbitMQ: no more are taken`,
    );
  }

  /** False: not now, it has to wait. */
  #write(publish: Publish): boolean {
    const channel = this.#open;
    if (channel === undefined || this.#blocked || this.#full) return false;
    const { topology } = this.#options;
    const { to } = publish;
    try {
      const { content, properties } = encode(publish.frame);
      // A return carries the properties back, so the tag tells exactly which publish came back.
      properties.correlationId = String(this.#confirms.next);
      const direct = 'channel' in to;
      const exchange = direct ? '' : topology.exchange;
      const key = direct ? topology.queue(to.channel) : to.topic;
      this.#cork?.hold();
      this.#full = !channel.publish(exchange, key, content, properties);
    } catch (error) {
      if (error instanceof IllegalOperationError) {
        // The channel is being closed; the next one continues here.
        this.#open = undefined;
        return false;
      }
      this.#release(publish);
      this.#fail(publish, BusError.from(error));
      return true;
    }
    publish.writtenAt = performance.now();
    this.#confirms.add(publish);
    return true;
  }

  #flush(): void {
    while (this.#head < this.#waiting.length) {
      const publish = this.#waiting[this.#head];
      if (publish !== undefined && !publish.settled && !this.#write(publish)) return;
      this.#head++;
    }
    this.#waiting = [];
    this.#head = 0;
  }

  #opened(channel: ConfirmChannel): void {
    this.#open = channel;
    this.#openedAt = performance.now();
    this.#confirms = new Confirms();
    this.#full = false;
    channel.on('ack', ({ deliveryTag, multiple }) => {
      this.#patience.confirmed(performance.now());
      this.#confirms.settle(deliveryTag, multiple, this.#acked);
    });
    channel.on('nack', ({ deliveryTag, multiple }) => this.#confirms.settle(deliveryTag, multiple, this.#nacked));
    channel.on('return', (message) => this.#returned(message));
    channel.on('drain', () => {
      this.#full = false;
      this.#flush();
    });
    this.#flush();
  }

  #closed(error: Error | undefined): void {
    this.#open = undefined;
    const limit = /message size \d+.*max size (\d+)/.exec(error?.message ?? '')?.[1];
    if (limit !== undefined) this.#maxMessageBytes = Number(limit);
    const reason = unavailable('the connection was lost before RabbitMQ confirmed: it may have the messages', error);
    const lost = this.#confirms;
    this.#confirms = new Confirms();
    lost.settle(0, true, (publish) => {
      this.#release(publish);
      const large = publish.bytes > this.#maxMessageBytes;
      this.#fail(publish, large ? tooLarge(publish.bytes, this.#maxMessageBytes) : reason);
    });
  }

  #returned(message: AmqpMessage): void {
    const tag: unknown = message.properties.correlationId;
    const publish = this.#confirms.get(Number(tag));
    if (publish !== undefined) publish.returned = true;
  }

  readonly #acked = (publish: Publish): void => {
    this.#release(publish);
    if (publish.settled) return;
    publish.settled = true;
    publish.resolve(publish.returned ? 'unroutable' : 'routed');
  };

  readonly #nacked = (publish: Publish): void => {
    this.#release(publish);
    this.#fail(publish, unavailable('RabbitMQ could not keep the messages'));
    this.#replaceSoon();
  };

  /** Its connection lives, or the heartbeat would have ended it; an alarm of the broker is no silence. */
  #lookForSilence(): void {
    const { oldest } = this.#confirms;
    if (oldest === undefined || this.#open === undefined || this.#blocked) return;
    const now = performance.now();
    const why = this.#patience.lost(oldest.writtenAt, now);
    if (why === undefined) return;
    const fields = { frames: this.#frames, waitedMs: Math.round(now - oldest.writtenAt) };
    this.#options.logger.warn(fields, `${why}: the channel is replaced`);
    this.#replaceSoon();
  }

  #replaceSoon(): void {
    this.#replace().catch((error: unknown) => {
      this.#options.logger.error({ error }, 'a channel could not be replaced');
    });
  }

  /**
   * A channel of RabbitMQ keeps what it knows of a quorum queue. One that was opened before the queue's members had agreed on
   * another leader asks the lost node for as long as that is away, and nacks every publish (seen on 3.10); a new channel
   * finds the leader. Where the nacks have another cause, such as a queue that is full by a policy, little is lost.
   *
   * One that was opened while the leader's node was frozen may confirm nothing at all, and not even close, long after the others
   * have agreed on another: its connection is made anew.
   */
  async #replace(): Promise<void> {
    const channel = this.#open;
    const now = performance.now();
    if (channel === undefined || this.#stopped || now - this.#openedAt < REPLACE_MS) return;
    // From now on publishes wait for the next channel.
    this.#open = undefined;
    const confirms = this.#confirms;
    while (!confirms.isEmpty && performance.now() - now < SETTLE_MS) await delay(5);
    await this.#channel.replace(channel);
  }

  #release(publish: Publish): void {
    this.#frames--;
    this.#bytes -= publish.bytes;
  }

  #fail(publish: Publish, error: BusError): void {
    if (publish.settled) return;
    publish.settled = true;
    publish.reject(error);
  }

  #sweepSignals(): void {
    if (this.#frames === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      return;
    }
    this.#giveUp((publish) => publish.signal?.aborted === true, 'RabbitMQ did not confirm in time');
    this.#lookForSilence();
  }

  #giveUp(which: (publish: Publish) => boolean, why: string): void {
    const left: Publish[] = [];
    for (let index = this.#head; index < this.#waiting.length; index++) {
      const publish = this.#waiting[index];
      if (publish === undefined) continue;
      if (which(publish)) {
        this.#release(publish);
        this.#fail(publish, unavailable(`${why}, the messages were not sent`));
      } else {
        left.push(publish);
      }
    }
    if (left.length !== this.#waiting.length) {
      this.#waiting = left;
      this.#head = 0;
    }
    this.#confirms.forEach((publish) => {
      if (which(publish)) this.#fail(publish, unavailable(`${why}: it may have the messages`));
    });
  }
}

function unavailable(why: string, cause?: unknown): BusError {
  return new BusError('BROKER_UNAVAILABLE', why, { cause });
}

function tooLarge(bytes: number, limit: number): BusError {
  return new BusError('BODY_TOO_LARGE', `the message is larger than RabbitMQ takes: ${bytes} bytes of ${limit}`, {
    limit: `${limit} bytes`,
  });
}
