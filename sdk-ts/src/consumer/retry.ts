import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import { type Duration, milliseconds } from '../duration.js';
import { count } from '../options.js';
import { MAX_DELAY_MS } from '../publisher/outgoing.js';

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

export function retryPolicy(options: RetryOptions): MessageInitShape<typeof RetryPolicySchema> {
  const { maxRetries, backoff } = options;
  return {
    ...(maxRetries === undefined ? {} : { maxRetries: count(maxRetries, 'retry.maxRetries', 0, 1_000) }),
    ...(backoff === undefined ? {} : { backoff: backoffOf(backoff) }),
  };
}

function backoffOf(
  backoff: Duration | ExponentialBackoff,
): Exclude<MessageInitShape<typeof RetryPolicySchema>['backoff'], undefined> {
  if (typeof backoff !== 'object') {
    const delayMs = BigInt(milliseconds(backoff, 'retry.backoff', 0, MAX_DELAY_MS));
    return { case: 'fixed', value: { delayMs } };
  }
  const { initial, multiplier = 2, max, jitter = 0 } = backoff;
  return {
    case: 'exponential',
    value: {
      initialMs: BigInt(milliseconds(initial, 'retry.backoff.initial', 1, MAX_DELAY_MS)),
      multiplier,
      maxMs: max === undefined ? 0n : BigInt(milliseconds(max, 'retry.backoff.max', 1, MAX_DELAY_MS)),
      jitter,
    },
  };
}
