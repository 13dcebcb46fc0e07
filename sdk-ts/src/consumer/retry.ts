import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import { type Duration, milliseconds } from '../duration.js';
import { count } from '../options.js';
import { MAX_DELAY_MS } from '../publisher/outgoing.js';
import type { ExponentialBackoff, RetryOptions } from './retry-options.js';

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
