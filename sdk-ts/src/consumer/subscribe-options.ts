import type { Duration } from '../duration.js';
import type { Message } from '../message.js';
import type { Middleware } from '../middleware/middleware.js';
import type { RetryOptions } from './retry-options.js';

export interface SubscribeOptions {
  /** The most handlers that run at a time, from 1. With 1, messages are handled in the order of their arrival. Default: 1. */
  concurrency?: number;
  /**
   * The most messages held here, running or waiting for a handler, from 1 to the gateway's `MaxCredit`. `auto`: as many as keep the handlers busy over
   * a round trip to the gateway, by how long both take, so that slow handlers leave what they can't take to other consumers; at most 1,000, or
   * `concurrency` where that is more. Default: `auto`.
   */
  credit?: number | 'auto';
  /** How long a message may stay unsettled: 1 s to 24 h, in whole seconds. Default: the gateway's `MaxJobRunningSeconds`. */
  lease?: Duration;
  /** Replaces the channel's retry policy, for all its consumers. Default: it stays as it is. */
  retry?: RetryOptions;
  /** Extends the leases of what is held, at half their length, until the handler is through. `false`: a handler that takes longer than the lease loses its message. Default: `true`. */
  autoExtend?: boolean;
  /** `auto`: a handler that returns acks, one that throws nacks. `manual`: you call `message.ack()` and its like; a handler that throws before that nacks all the same. Default: `auto`. */
  settle?: 'auto' | 'manual';
  /** Runs around every handler, the first outermost, inside the bus's own. Default: none. */
  middleware?: readonly Middleware[];
  /** Stops the subscription, as `stop()` does. */
  signal?: AbortSignal;
  /** Told of every handler's error, of settles that were refused (StaleReceiptError), and of lost streams; `message` says which message it was about. Default: none is told; the end of the subscription by an error is a process warning. */
  onError?: (error: unknown, message?: Message) => void;
}

/** A running subscription. It reconnects by itself until it is stopped. */
export interface Subscription {
  /** Resolves when it is open for the first time: from then on the channel keeps every message. Rejects when the gateway refuses it, or it is stopped before. */
  readonly ready: Promise<void>;
  /** Resolves when it has stopped; rejects when the gateway refused it. */
  readonly closed: Promise<void>;
  /**
   * Stops in order: no new messages; what was not started goes back at once; running handlers finish; what they settle is confirmed; the stream
   * ends. Handlers that run longer than `timeout` (default: 30 s) are left behind with their `signal` aborted; after such, confirmations get 1 s.
   * Never rejects. Safe twice.
   */
  stop(options?: { timeout?: Duration }): Promise<void>;
}
