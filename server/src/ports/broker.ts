import type { Channel } from '../model/channel.js';
import type { Frame, Message } from '../model/message.js';
import type { Dependency } from './service.js';

/**
 * Keeps frames and hands them to consumers.
 *
 * Failure contract
 * - `publish` resolves only when the frame is durable in every queue that it was routed to. It rejects with
 *   BROKER_UNAVAILABLE (retryable) when that is not known: the frame may still have been kept, so a retry may make a copy.
 *   Frames of one caller to one destination keep their order as long as none fails.
 * - While the broker is away, `publish` and `declare` wait, up to the signal's abort, and then reject with BROKER_UNAVAILABLE.
 *   What waits is bounded: past the bound, OVERLOADED.
 * - A consumer gets every frame of its queue at least once. A frame that was handed to any consumer before has `verify` set.
 *   When the connection is lost, `lost` is called once, every frame that was not settled comes again, and consuming goes on
 *   by itself when the broker is back.
 */
export interface Broker extends Dependency {
  publish(frame: Frame, to: Destination, signal?: AbortSignal): Promise<Routing>;
  /** Makes the channel's queue and binding, durably. Rejects with QUEUE_CONFLICT when a queue with other arguments is there. */
  declare(channel: Channel, signal?: AbortSignal): Promise<void>;
  /** Starts with a prefetch of 0: nothing arrives before `prefetch` is called. The channel was declared. */
  consume(channel: Channel, sink: FrameSink): BrokerConsumer;
}

/** Every channel whose topic or pattern matches, or one channel's own queue. */
export type Destination = { readonly topic: string } | { readonly channel: Channel };

/** `unroutable`: no queue wanted the frame, and it was not kept. */
export type Routing = 'routed' | 'unroutable';

export interface FrameSink {
  frame(delivery: FrameDelivery): void;
  /** What was delivered and not settled is void: it will be delivered anew, here or elsewhere. */
  lost(): void;
}

/** A frame that stays in the broker until it is settled. Exactly one of `ack` and `requeue` is called, once; both never throw. */
export interface FrameDelivery {
  readonly messages: readonly Message[];
  readonly verify: boolean;
  /** Every message of the frame is settled in the ledger: the broker may forget it. */
  ack(): void;
  /** Nothing of the frame was handed out: back to the queue, for any consumer. */
  requeue(): void;
}

export interface BrokerConsumer {
  /** The most frames to hold unsettled; 0 stops new ones. May be called often; small changes may be put off. */
  prefetch(frames: number): void;
  /** Stops new frames; those delivered can still be settled. Safe twice. */
  stop(): Promise<void>;
}
