import type { Channel } from '../model/channel.js';
import { BusError } from '../model/errors.js';

/**
 * The broker's queues, as an operator sees them.
 *
 * Failure contract: each rejects with BROKER_UNAVAILABLE while the broker is away, or when the signal aborts first.
 */
export interface Queues {
  /** What waits in the channel's queue and is with no gateway. */
  depth(channel: Channel, signal?: AbortSignal): Promise<QueueDepth>;
  /**
   * Removes queue and binding. Rejects with CHANNEL_IN_USE while any gateway consumes it, and with CHANNEL_NOT_EMPTY when
   * something came into it, unless that may go too.
   */
  remove(channel: Channel, terms: { readonly withContents: boolean }, signal?: AbortSignal): Promise<void>;
  /** Another gateway removed it: it is not made again when the broker comes back. Never throws. */
  forget(channel: Channel): void;
}

export interface QueueDepth {
  readonly frames: number;
  /** Undefined where the broker counts frames only. */
  readonly messages: number | undefined;
  /** Counting stopped, or some may be done with. */
  readonly approximate: boolean;
  /** When the first one was accepted, Unix milliseconds; 0: nothing waits, or it is not known. */
  readonly oldestAt: number;
}

export function cameMeanwhile({ name, topic }: Channel): BusError {
  const words = `messages came to channel "${name}" of "${topic}" while it was deleted: set purge to end them`;
  return new BusError('CHANNEL_NOT_EMPTY', words, { field: 'purge' });
}
