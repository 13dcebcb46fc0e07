import type { Duration } from '../duration.js';
import type { SubscribeOptions } from './subscribe-options.js';

export interface BatchOptions extends SubscribeOptions {
  /** The most batches that are handled at a time, from 1. Default: 1. */
  concurrency?: number;
  /** The most messages of one batch, 1 to 1,000. A `credit` that is a number must allow for it. Default: 100. */
  size?: number;
  /** How long a batch that is not full waits for more, from its first message on: 0 (takes what has arrived together) to 1 h. Default: 100 ms. */
  wait?: Duration;
}
