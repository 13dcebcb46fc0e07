import type { Duration } from '../duration.js';
import type { RetryOptions } from './retry-options.js';

export interface PullOptions {
  /** The most messages that one call takes, 1 to 1,000. Their leases run while they wait for your loop. Default: 1. */
  batch?: number;
  /** How long a message may stay unsettled: 1 s to 24 h, in whole seconds. Nothing extends it but `message.extend()`. Default: the gateway's `MaxJobRunningSeconds`. */
  lease?: Duration;
  /** How long one call waits for a message before the next is made: 0 to 1 h. Default: 20 s. */
  wait?: Duration;
  /** Replaces the channel's retry policy, for all its consumers. Default: it stays as it is. */
  retry?: RetryOptions;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
}
