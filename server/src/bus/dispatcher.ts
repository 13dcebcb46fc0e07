import type { Channel } from '../model/channel.js';
import type { Message } from '../model/message.js';
import type { Broker, BrokerConsumer, FrameDelivery, FrameSink } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import { Backlog } from './backlog.js';
import { type Buffered, type Delivery, type DeliveryTable, HeldFrame, type Link } from './delivery.js';
import type { Gate } from './gate.js';
import type { NonceSource } from './ids.js';
import { Prefetch, type PrefetchOptions } from './prefetch.js';
import { formatReceipt } from './receipt.js';
import { Subscriber } from './subscriber.js';

export interface DispatcherParts {
  readonly broker: Broker;
  readonly clock: Clock;
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

/** One channel on this gateway: shares what the broker sends among the local subscribers, as their credit allows. */
export class Dispatcher implements FrameSink {
  readonly #subscribers: Subscriber[] = [];
  readonly #backlog = new Backlog();
  readonly #prefetch: Prefetch;
  #consumer: BrokerConsumer | undefined;
  #link: Link = { broken: false };
  /** Deliveries whose frame the broker took back, by topic and id, until it comes again. */
  #orphans = new Map<string, Delivery>();
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

  /** The subscriber gets nothing more; what it holds is its own affair (see Settler.abandon). */
  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
    const at = this.#subscribers.indexOf(subscriber);
    if (at >= 0) this.#subscribers.splice(at, 1);
    if (this.#subscribers.length === 0) this.#linger(LINGER_MS);
    else this.#wake();
  }

  /** Messages that were handed out come back, to be handed out again before all others. */
  takeBack(items: readonly Buffered[]): void {
    this.#backlog.putBack(items.filter((item) => !item.frame.lost));
    if (this.#subscribers.length === 0) this.#linger(LINGER_MS);
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
    for (const message of delivery.messages) {
      bytes += message.wire.length;
      if (delivery.verify && this.#adopt(message, frame)) continue;
      this.#backlog.add({ message, frame, arrivedAt, verify: delivery.verify, attempt: 0, nonce: 0 });
    }
    if (this.#prefetch.observe(delivery.messages.length, bytes)) this.#ask();
    this.#schedulePump();
  }

  lost(): void {
    this.#link.broken = true;
    this.#link = { broken: false };
    this.#backlog.clear();
    for (const delivery of this.parts.table.values()) {
      if (delivery.channel.id === this.channel.id) this.#orphans.set(keyOf(delivery.message), delivery);
    }
  }

  /** The consumer of the message is still at work here: its delivery goes on with the new frame. */
  #adopt(message: Message, frame: HeldFrame): boolean {
    if (this.#orphans.size === 0) return false;
    const key = keyOf(message);
    const delivery = this.#orphans.get(key);
    if (delivery === undefined) return false;
    this.#orphans.delete(key);
    if (this.parts.table.get(delivery.nonce) !== delivery || delivery.settling !== undefined) return false;
    delivery.frame = frame;
    return true;
  }

  #wake(): void {
    this.#ask();
    this.#schedulePump();
  }

  #ask(): void {
    let credit = 0;
    for (const subscriber of this.#subscribers) credit += subscriber.credit;
    this.#consumer?.prefetch(this.#prefetch.frames(credit));
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
      if (item.message.expiresAt !== 0 && item.message.expiresAt <= now) {
        expired ??= [];
        expired.push(item);
      } else if (item.nonce === 0 && (item.verify || now - item.arrivedAt > FRESH_MS)) {
        doubtful ??= [];
        doubtful.push(item);
      } else {
        deliveries.push(this.#handOut(subscriber, item, now));
      }
    }
    subscriber.take(items.length - (expired?.length ?? 0));
    if (deliveries.length > 0) subscriber.send(deliveries);
    if (expired !== undefined) this.parts.gate.expire(this.channel, expired, subscriber.name);
    if (doubtful !== undefined) void this.#verify(subscriber, doubtful);
  }

  #handOut(subscriber: Subscriber, item: Buffered, now: number): Delivery {
    const { message, frame } = item;
    const attempt = item.attempt === 0 ? 1 : item.attempt;
    const nonce = item.nonce === 0 ? this.parts.nonces.next() : item.nonce;
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
      recorded: item.nonce !== 0,
      settling: undefined,
    };
    this.parts.table.add(delivery);
    return delivery;
  }

  async #verify(subscriber: Subscriber, items: readonly Buffered[]): Promise<void> {
    const admitted = await this.parts.gate.admit(this.channel, items, subscriber.name);
    const cleared = admitted.filter((item) => !item.frame.lost);
    const refused = items.length - cleared.length;
    if (subscriber.closed) {
      this.takeBack(cleared);
      return;
    }
    const now = this.parts.clock.now();
    if (cleared.length > 0) subscriber.send(cleared.map((item) => this.#handOut(subscriber, item, now)));
    if (refused > 0) subscriber.free(refused);
  }

  #linger(ms: number): void {
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => void this.#release(), ms);
  }

  /** Nobody here wants more: other gateways may have what is buffered. */
  async #release(): Promise<void> {
    if (this.#subscribers.length > 0) return;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.stop();
    for (const { frame, items } of this.#backlog.drain()) {
      if (items.length === frame.size) {
        frame.requeue();
      } else if (await this.#republish(items)) {
        for (const _ of items) frame.settleOne();
      } else if (!frame.lost) {
        this.#backlog.putBack(items);
      }
    }
    if (this.#backlog.size > 0 && this.#subscribers.length === 0) this.#linger(RELEASE_RETRY_MS);
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

function keyOf(message: Message): string {
  return `${message.topic}/${message.id}`;
}
