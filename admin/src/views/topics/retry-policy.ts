import type { RetryPolicy } from '@waybill/proto/waybill/v1/message';
import { counted } from '../../text/number.js';
import { duration } from '../../text/time.js';

/** A channel's own retry policy in words. */
export function retryText(policy: RetryPolicy | undefined): string {
  if (policy === undefined) return 'As the configuration says';
  const times =
    policy.maxRetries === undefined ? 'Retries as configured' : counted(policy.maxRetries, 'retry', 'retries');
  const { backoff } = policy;
  switch (backoff.case) {
    case 'fixed':
      return `${times}, ${duration(Number(backoff.value.delayMs))} apart`;
    case 'exponential': {
      const { initialMs, multiplier, maxMs } = backoff.value;
      const most = maxMs === 0n ? '' : `, at most ${duration(Number(maxMs))}`;
      return `${times}, from ${duration(Number(initialMs))}, × ${multiplier === 0 ? 2 : multiplier} each${most}`;
    }
    case undefined:
      return `${times}, at the configured distance`;
  }
}
