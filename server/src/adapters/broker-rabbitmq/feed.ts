import type { Channel as AmqpChannel, ConsumeMessage } from 'amqplib';
import type { Message } from '../../model/message.js';
import type { FrameDelivery } from '../../ports/broker.js';
import type { Cork } from './cork.js';

/** A consumer as its lane sees it. */
export interface LaneMember {
  /** The lane is open: feeds can be started. */
  opened(): void;
  /** Whether its queue would take another consumer now. */
  answers(): Promise<boolean>;
  /** The lane has another channel: the feed on the old one is replaced. Resolves when it takes no new frames. */
  renewed(): Promise<void>;
  /** The lane is closed, and every feed with it. `lost`: some held frames. */
  closed(lost: boolean): void;
}

/** Whose feed it is. */
export interface FeedOwner extends LaneMember {
  deliver(message: ConsumeMessage, feed: Feed): void;
  /** A frame of the feed was settled. */
  settled(feed: Feed): void;
  /** The broker ended the feed: its queue was deleted, its node is gone, or a frame was held for too long. */
  cancelled(feed: Feed): void;
}

/**
 * One `basic.consume` with its prefetch, and the frames it holds. The prefetch of a feed never changes: another prefetch is
 * another feed, whose tag was never used before.
 */
export class Feed {
  readonly #held = new Set<HeldFrame>();
  #amqp: AmqpChannel | undefined;
  #cork: Cork | undefined;

  constructor(
    readonly tag: string,
    readonly prefetch: number,
    readonly owner: FeedOwner,
  ) {}

  get size(): number {
    return this.#held.size;
  }

  get amqp(): AmqpChannel | undefined {
    return this.#amqp;
  }

  attach(amqp: AmqpChannel, cork: Cork | undefined): void {
    this.#amqp = amqp;
    this.#cork = cork;
  }

  deliver(message: ConsumeMessage): void {
    this.owner.deliver(message, this);
  }

  hold(message: ConsumeMessage, messages: readonly Message[], verify: boolean): HeldFrame {
    const frame = new HeldFrame(this, message, messages, verify);
    this.#held.add(frame);
    return frame;
  }

  /** Whatever it holds can't be settled any more: a settle is then nothing. */
  void(): void {
    this.#held.clear();
    this.#amqp = undefined;
  }

  /** Gives back what it holds. */
  requeueAll(): void {
    for (const frame of [...this.#held]) frame.requeue();
  }

  settle(frame: HeldFrame, message: ConsumeMessage, done: boolean): void {
    if (!this.#held.delete(frame)) return;
    this.#cork?.hold();
    try {
      if (done) this.#amqp?.ack(message);
      else this.#amqp?.nack(message, false, true);
    } catch {
      // The channel is closing: the frame comes again, marked as redelivered.
    }
    this.owner.settled(this);
  }
}

class HeldFrame implements FrameDelivery {
  constructor(
    readonly feed: Feed,
    readonly source: ConsumeMessage,
    readonly messages: readonly Message[],
    readonly verify: boolean,
  ) {}

  ack(): void {
    this.feed.settle(this, this.source, true);
  }

  requeue(): void {
    this.feed.settle(this, this.source, false);
  }
}
