import type { Duration } from '../duration.js';

/** When and how often a channel tries a message again. It is the channel's, for all its consumers, until another is given. */
export interface RetryOptions {
  /** Retries after the first attempt, 0 to 1,000; then the message is a dead letter. Default: the gateway's `RetryTimes`. */
  maxRetries?: number;
  /** The delay before every retry, or one that grows. Default: fixed, the gateway's `NackdJobNextRunDelaySeconds`. */
  backoff?: Duration | ExponentialBackoff;
}

/** initial × multiplier^(attempt − 1), at most max, then varied by jitter. */
export interface ExponentialBackoff {
  /** The delay before the first retry: 1 ms to 10 years. */
  initial: Duration;
  /** 1 to 100. Default: 2. */
  multiplier?: number;
  /** The longest delay. Default: 1 hour, or `initial` where that is longer. */
  max?: Duration;
  /** The share of the delay that is random, 0 to 1: a delay d becomes a time between d × (1 − jitter) and d. Default: 0. */
  jitter?: number;
}
