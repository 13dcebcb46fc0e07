import type { Channel, ChannelId } from '../model/channel.js';
import type { Message } from '../model/message.js';
import type { FrameDelivery } from '../ports/broker.js';
import type { Outcome } from '../ports/ledger.js';
import type { HeldAccount } from './held-bytes.js';

/** What ties frames to the broker: what came by it and is not settled, and whether it broke, so that all of that comes again. */
export class Link {
  #broken = false;
  #frames = 0;
  #messages = 0;
  #bytes = 0;

  constructor(private readonly account: HeldAccount) {}

  get broken(): boolean {
    return this.#broken;
  }

  get frames(): number {
    return this.#frames;
  }

  get messages(): number {
    return this.#messages;
  }

  /** A frame of so many messages and bytes came by it. */
  hold(messages: number, bytes: number): void {
    this.#frames++;
    this.#messages += messages;
    this.#bytes += bytes;
    this.account(bytes);
  }

  settleOne(): void {
    this.#messages--;
  }

  /** A frame went again, with the messages of it that were not settled. */
  release(messages: number, bytes: number): void {
    if (this.#broken) return;
    this.#frames--;
    this.#messages -= messages;
    this.#bytes -= bytes;
    this.account(-bytes);
  }

  break(): void {
    this.account(-this.#bytes);
    this.#broken = true;
  }
}

/** A frame that this gateway holds: its broker ack follows when its last message is settled. */
export class HeldFrame {
  #left: number;

  constructor(
    private readonly delivery: FrameDelivery,
    private readonly link: Link,
    private readonly bytes: number,
    /** By the steady clock, in milliseconds. */
    readonly arrivedAt: number,
  ) {
    this.#left = delivery.messages.length;
    link.hold(this.#left, bytes);
  }

  get size(): number {
    return this.delivery.messages.length;
  }

  /** The broker took it back. */
  get lost(): boolean {
    return this.link.broken;
  }

  /** One of its messages is settled in the ledger, or comes again by another frame. */
  settleOne(): void {
    this.link.settleOne();
    if (--this.#left > 0 || this.link.broken) return;
    this.link.release(0, this.bytes);
    this.delivery.ack();
  }

  /** Back to the queue: only while every message of it waits on this gateway. */
  requeue(): void {
    if (this.link.broken) return;
    this.link.release(this.#left, this.bytes);
    this.delivery.requeue();
  }
}

/** A message that waits on this gateway for a consumer with credit. */
export interface Buffered {
  readonly message: Message;
  readonly frame: HeldFrame;
  /** By the steady clock, in milliseconds. */
  readonly arrivedAt: number;
  /** The ledger must be asked first. */
  readonly verify: boolean;
}

/** The consumer that holds a delivery: its place is free again once that is settled. */
export interface Holder {
  readonly leaseMs: number;
  free(count: number, bytes: number): void;
  /** The lease of something that it holds ended. */
  lapsed(): void;
  /** It settles something, in time or not. */
  heard(): void;
}

/**
 * One hand-out to one local consumer.
 * `out`, then `settling` while the ledger writes, then gone from the table.
 */
export interface Delivery {
  readonly channel: Channel;
  readonly message: Message;
  /** As the consumer knows it. */
  readonly receipt: string;
  /**
   * Replaced when the broker delivers the same message again after its connection was lost; undefined once the ledger holds
   * the message.
   */
  frame: HeldFrame | undefined;
  /** The ledger's count: see model/attempt.ts. */
  readonly attempt: number;
  readonly nonce: number;
  readonly consumer: string;
  readonly deliveredAt: number;
  readonly subscriber: Holder;
  /** When its lease ends, as its consumer and the ledger know it: Unix milliseconds. */
  deadline: number;
  /** The same by the steady clock, in milliseconds. */
  endsAt: number;
  /** When it was handed out, by the steady clock, in milliseconds. */
  readonly heldSince: number;
  /** The ledger knows of the hand-out. */
  recorded: boolean;
  /** When the ledger was last told that it goes on, by the steady clock, in milliseconds. */
  recordedAt: number;
  /** The ledger could not take it: it is not kept before this time by the steady clock, in milliseconds. */
  restsUntil: number;
  /** The settle under way. */
  settling: Settling | undefined;
}

/**
 * Whether its lease is over. A message that the broker holds is leased by this gateway alone, so a wall clock that is set ends no
 * lease and prolongs none; one that the ledger holds is leased by the clock that gateways share.
 */
export function isOver({ frame, deadline, endsAt }: Delivery, now: number, steady: number): boolean {
  return frame === undefined ? deadline <= now : endsAt <= steady;
}

/** A settle under way: one for all deliveries that are settled alike in one call. */
export interface Settling {
  /** A second settle of the same kind gets the same answer; `extend` and `lease` end nothing, so others wait for them. */
  readonly kind: 'ack' | 'nack' | 'reject' | 'extend' | 'abandon' | 'expire' | 'lease';
  readonly deliveries: readonly Delivery[];
  /** Resolves when the ledger has answered and this gateway has drawn the consequences. */
  readonly outcomes: Promise<readonly Outcome[]>;
}

/** The deliveries that this gateway has out, oldest first. */
export class DeliveryTable {
  readonly #byNonce = new Map<number, Delivery>();
  readonly #byChannel = new Map<ChannelId, Map<string, Delivery>>();

  add(delivery: Delivery): void {
    this.#byNonce.set(delivery.nonce, delivery);
    let byId = this.#byChannel.get(delivery.channel.id);
    if (byId === undefined) {
      byId = new Map();
      this.#byChannel.set(delivery.channel.id, byId);
    }
    byId.set(delivery.message.id, delivery);
  }

  get(nonce: number): Delivery | undefined {
    return this.#byNonce.get(nonce);
  }

  /** The delivery of this very message on this channel, if it is out. */
  find(channel: Channel, message: Message): Delivery | undefined {
    const delivery = this.#byChannel.get(channel.id)?.get(message.id);
    return delivery?.message.topic === message.topic ? delivery : undefined;
  }

  /** It is no longer out: its consumer has room for the next. Safe twice. */
  remove(delivery: Delivery): void {
    if (!this.#byNonce.delete(delivery.nonce)) return;
    delivery.subscriber.free(1, delivery.message.wire.length);
    const byId = this.#byChannel.get(delivery.channel.id);
    if (byId?.get(delivery.message.id) === delivery) {
      byId.delete(delivery.message.id);
      if (byId.size === 0) this.#byChannel.delete(delivery.channel.id);
    }
  }

  get size(): number {
    return this.#byNonce.size;
  }

  values(): IterableIterator<Delivery> {
    return this.#byNonce.values();
  }
}
