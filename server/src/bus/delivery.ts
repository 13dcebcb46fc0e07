import type { Channel } from '../model/channel.js';
import type { Message } from '../model/message.js';
import type { FrameDelivery } from '../ports/broker.js';
import type { Outcome } from '../ports/ledger.js';

/** What ties frames to the broker: once it breaks, whatever came by it comes again. */
export interface Link {
  broken: boolean;
}

/** A frame that this gateway holds: its broker ack follows when its last message is settled. */
export class HeldFrame {
  #left: number;

  constructor(
    private readonly delivery: FrameDelivery,
    private readonly link: Link,
  ) {
    this.#left = delivery.messages.length;
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
    if (--this.#left === 0 && !this.link.broken) this.delivery.ack();
  }

  /** Back to the queue: only while every message of it waits on this gateway. */
  requeue(): void {
    if (!this.link.broken) this.delivery.requeue();
  }
}

/** A message that waits on this gateway for a consumer with credit. */
export interface Buffered {
  readonly message: Message;
  readonly frame: HeldFrame;
  /** Unix milliseconds. */
  readonly arrivedAt: number;
  /** The ledger must be asked first. */
  readonly verify: boolean;
  /** Of the hand-out to come, when the ledger has it already; else 0. */
  readonly attempt: number;
  /** That the ledger has for it; else 0. */
  readonly nonce: number;
}

/** The consumer that holds a delivery: its place is free again once that is settled. */
export interface Holder {
  readonly leaseMs: number;
  free(count: number): void;
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
  readonly attempt: number;
  readonly nonce: number;
  readonly consumer: string;
  readonly deliveredAt: number;
  readonly subscriber: Holder;
  /** Unix milliseconds. */
  deadline: number;
  /** The ledger knows of the hand-out. */
  recorded: boolean;
  /** The settle under way. */
  settling: Settling | undefined;
}

/** A settle under way: one for all deliveries that are settled alike in one call. */
export interface Settling {
  /** What is being done: a second settle of the same kind gets the same answer. */
  readonly kind: 'ack' | 'nack' | 'reject' | 'extend' | 'abandon' | 'expire' | 'lease';
  readonly deliveries: readonly Delivery[];
  readonly outcomes: Promise<readonly Outcome[]>;
}

/** The deliveries that this gateway has out, oldest first. */
export class DeliveryTable {
  readonly #byNonce = new Map<number, Delivery>();

  add(delivery: Delivery): void {
    this.#byNonce.set(delivery.nonce, delivery);
  }

  get(nonce: number): Delivery | undefined {
    return this.#byNonce.get(nonce);
  }

  remove(delivery: Delivery): boolean {
    return this.#byNonce.delete(delivery.nonce);
  }

  get size(): number {
    return this.#byNonce.size;
  }

  values(): IterableIterator<Delivery> {
    return this.#byNonce.values();
  }
}
