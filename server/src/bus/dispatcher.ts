import type { Channel } from '../model/channel.js';
import type { Broker, BrokerConsumer, FrameDelivery, FrameSink } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import { Backlog } from './backlog.js';
import { type Buffered, type Delivery, type DeliveryTable, HeldFrame, Link } from './delivery.js';
import { type ClaimedItem, type Gate, unclaimed } from './gate.js';
import type { NonceSource } from './ids.js';
import { Prefetch, type PrefetchOptions } from './prefetch.js';
import { formatReceipt } from './receipt.js';
import { Subscriber } from './subscriber.js';

export interface DispatcherParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: DeliveryTable;
  readonly nonces: NonceSource;
  readonly gate: Gate;
  readonly prefetch: PrefetchOptions;
}

/** How long a channel keeps its buffer after its last subscriber went: the next poll of a puller finds it warm. */
const LINGER_MS = 250;
/** What waited here for longer is asked about before it is handed out: a copy of it may have been settled by another gateway. */
const FRESH_MS = 1_000;
const RELEASE_RETRY_MS = 1_000;

/** A message that came again while a consumer of this gateway holds it. */
interface Twin {
  readonly item: Buffered;
  readonly held: Delivery;
}

/** One channel on this gateway: shares what the broker sends among the local subscribers, as their credit allows. */
export class Dispatcher implements FrameSink {
  readonly #subscribers: Subscriber[] = [];
  readonly #backlog = new Backlog();
  readonly #prefetch: Prefetch;
  #consumer: BrokerConsumer | undefined;
  #link = new Link();
  #turn = 0;
  #pumping = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(
    readonly channel: Channel,
    private readonly parts: DispatcherParts,
  ) {
    this.#prefetch = new Prefetch(parts.prefetch);
  }

  subscribe(name: string, leaseMs: number, credit: number, send: (deliveries: Delivery[]) => void): Subscriber {
    const subscriber = new Subscriber(name, leaseMs, credit, send, () => this.#wake());
    this.#subscribers.push(subscriber);
    clearTimeout(this.#lingering);
    this.#consumer ??= this.parts.broker.consume(this.channel, this);
    this.#wake();
    return subscriber;
  }

  /** The subscriber gets nothing more, and may still settle what it holds. */
  quiesce(subscriber: Subscriber): void {
    subscriber.close();
    if (!this.#wanted) this.#linger(0);
    else this.#wake();
  }

  /** The subscriber is gone; what it held is its own affair (see Settler.abandon). */
  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
    const at = this.#subscribers.indexOf(subscriber);
    if (at >= 0) this.#subscribers.splice(at, 1);
    if (!this.#wanted) this.#linger(LINGER_MS);
    else this.#wake();
  }

  /** Messages that were handed out come back, to be handed out again before all others. */
  takeBack(items: readonly Buffered[]): void {
    this.#backlog.putBack(items.filter((item) => !item.frame.lost));
    if (!this.#wanted) this.#linger(LINGER_MS);
    else this.#wake();
  }

  frame(delivery: FrameDelivery): void {
    if (this.#consumer === undefined) {
      delivery.requeue();
      return;
    }
    const frame = new HeldFrame(delivery, this.#link);
    const arrivedAt = this.parts.clock.now();
    let bytes = 0;
    let twins: Twin[] | undefined;
    for (const message of delivery.messages) {
      bytes += message.wire.length;
      const item = { message, frame, arrivedAt, verify: delivery.verify };
      const held = delivery.verify ? this.parts.table.find(this.channel, message) : undefined;
      if (held === undefined) {
        this.#backlog.add(item);
      } else {
        twins ??= [];
        twins.push({ item, held });
      }
    }
    if (twins !== undefined) void this.#adopt(twins);
    if (this.#prefetch.observe(delivery.messages.length, bytes)) this.#ask();
    this.#schedulePump();
  }

  lost(): void {
    this.#link.broken = true;
    this.#link = new Link();
    this.#backlog.clear();
  }

  /**
   * Consumers of this gateway are at work on these messages. Where the ledger agrees, their deliveries go on, with the new frame
   * if the broker took back the one that they came in; else this is a copy, which nobody needs. Where it does not, somebody else
   * had the message meanwhile: the delivery is void, and the message waits its turn.
   */
  async #adopt(twins: readonly Twin[]): Promise<void> {
    const confirmed = await this.parts.gate.confirm(twins.map(({ held }) => held));
    const items: Buffered[] = [];
    twins.forEach(({ item, held }, i) => {
      if (item.frame.lost) return;
      const out = this.parts.table.get(held.nonce) === held && held.settling === undefined;
      if (!out || confirmed[i] !== true) {
        if (out) this.#drop(held);
        items.push(item);
      } else if (held.frame?.lost === true) {
        held.frame = item.frame;
      } else {
        item.frame.settleOne();
      }
    });
    this.takeBack(items);
  }

  #drop(held: Delivery): void {
    held.frame?.settleOne();
    if (this.parts.table.remove(held)) held.subscriber.free(1);
  }

  get #wanted(): boolean {
    return this.#subscribers.some((subscriber) => !subscriber.closed);
  }

  #wake(): void {
    this.#ask();
    this.#schedulePump();
  }

  #ask(): void {
    let credit = 0;
    for (const subscriber of this.#subscribers) if (!subscriber.closed) credit += subscriber.credit;
    this.#consumer?.prefetch(this.#prefetch.frames(credit, this.#link));
  }

  #schedulePump(): void {
    if (this.#pumping || this.#backlog.size === 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Deals out what is here in fair shares, one batch a subscriber. */
  #pump(): void {
    for (let idle = 0; this.#backlog.size > 0 && idle < this.#subscribers.length; this.#turn++) {
      const subscriber = this.#subscribers[this.#turn % this.#subscribers.length];
      const room = subscriber?.room ?? 0;
      if (subscriber === undefined || room === 0) {
        idle++;
        continue;
      }
      idle = 0;
      const share = Math.ceil(this.#backlog.size / this.#subscribers.length);
      this.#deal(subscriber, this.#backlog.take(Math.min(room, share)));
    }
  }

  #deal(subscriber: Subscriber, items: readonly Buffered[]): void {
    const now = this.parts.clock.now();
    const deliveries: Delivery[] = [];
    let doubtful: Buffered[] | undefined;
    let expired: Buffered[] | undefined;
    for (const item of items) {
      if (item.verify || now - item.arrivedAt > FRESH_MS) {
        doubtful ??= [];
        doubtful.push(item);
      } else if (isExpired(item, now)) {
        expired ??= [];
        expired.push(item);
      } else {
        deliveries.push(this.#handOut(subscriber, item, now));
      }
    }
    subscriber.take(items.length - (expired?.length ?? 0));
    if (deliveries.length > 0) subscriber.send(deliveries);
    if (expired !== undefined) this.parts.gate.expire(this.channel, expired.map(unclaimed), subscriber.name);
    if (doubtful !== undefined) void this.#verify(subscriber, doubtful);
  }

  #handOut(subscriber: Subscriber, item: Buffered, now: number, claim?: ClaimedItem): Delivery {
    const { message, frame } = item;
    const attempt = claim?.attempt ?? 1;
    const nonce = claim?.nonce ?? this.parts.nonces.next();
    const delivery: Delivery = {
      channel: this.channel,
      message,
      receipt: formatReceipt('streamed', this.channel, attempt, nonce, message),
      frame,
      attempt,
      nonce,
      consumer: subscriber.name,
      deliveredAt: now,
      subscriber,
      deadline: now + subscriber.leaseMs,
      recorded: claim !== undefined,
      recordedAt: now,
      settling: undefined,
    };
    this.parts.table.add(delivery);
    return delivery;
  }

  /** Hands out what the ledger lets pass. */
  async #verify(subscriber: Subscriber, items: readonly Buffered[]): Promise<void> {
    const { gate, clock } = this.parts;
    const admitted = await gate.admit(this.channel, items, subscriber.name);
    // What the broker took back meanwhile comes again.
    const claimed = admitted.filter(({ item }) => !item.frame.lost);
    if (subscriber.closed) {
      this.takeBack(await gate.giveBack(this.channel, claimed, subscriber.name));
      return;
    }
    const now = clock.now();
    const living = claimed.filter(({ item }) => !isExpired(item, now));
    if (living.length < claimed.length)
      gate.expire(
        this.channel,
        claimed.filter(({ item }) => isExpired(item, now)),
        subscriber.name,
      );
    if (living.length > 0) subscriber.send(living.map((claim) => this.#handOut(subscriber, claim.item, now, claim)));
    if (living.length < items.length) subscriber.free(items.length - living.length);
  }

  #linger(ms: number): void {
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      this.#release().catch((error: unknown) => {
        this.parts.logger.debug({ error, channel: this.channel.name }, 'a buffer could not be given back');
      });
    }, ms);
  }

  /** Nobody here wants more: other gateways may have what is buffered. */
  async #release(): Promise<void> {
    if (this.#wanted) return;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.stop();
    for (const { frame, items } of this.#backlog.drain()) {
      if (frame.lost) continue;
      if (items.length === frame.size) {
        frame.requeue();
      } else if (await this.#republish(items)) {
        for (const _ of items) frame.settleOne();
      } else if (!frame.lost) {
        this.#backlog.putBack(items);
      }
    }
    if (this.#backlog.size > 0 && !this.#wanted) this.#linger(RELEASE_RETRY_MS);
    else this.#wake();
  }

  /** Part of the frame is still out with a consumer, so the rest goes back as a frame of its own. */
  async #republish(items: readonly Buffered[]): Promise<boolean> {
    const messages = items.map((item) => item.message);
    const topic = messages[0]?.topic ?? this.channel.topic;
    try {
      return (
        (await this.parts.broker.publish({ topic, messages, verify: true }, { channel: this.channel })) === 'routed'
      );
    } catch {
      return false;
    }
  }
}

function isExpired({ message: { expiresAt } }: Buffered, now: number): boolean {
  return expiresAt !== 0 && expiresAt <= now;
}
