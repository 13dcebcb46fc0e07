import type { RetryOptions } from '../consumer/retry-options.js';
import { milliseconds } from '../duration.js';
import { invalidOption } from '../errors.js';
import { count } from '../options.js';
import { MAX_DELAY_MS } from '../publisher/outgoing.js';

/** When and how often a channel tries a message again. */
export interface RetryPolicy {
  readonly maxRetries: number;
  readonly backoff: Backoff;
}

interface Backoff {
  readonly initialMs: number;
  readonly multiplier: number;
  readonly maxMs: number;
  readonly jitter: number;
}

const HOUR_MS = 3_600_000;

/** Throws InvalidArgumentError for a value out of range; what is not given is as in `other`. */
export function retryPolicy(options: RetryOptions, other: RetryPolicy): RetryPolicy {
  const { maxRetries, backoff } = options;
  return {
    maxRetries: maxRetries === undefined ? other.maxRetries : count(maxRetries, 'retry.maxRetries', 0, 1_000),
    backoff: backoff === undefined ? other.backoff : backoffOf(backoff),
  };
}

/** The delay before the retry that follows `attempt` (1, 2, …), in milliseconds; undefined when the retries are used up. */
export function retryDelay({ maxRetries, backoff }: RetryPolicy, attempt: number): number | undefined {
  if (attempt > maxRetries) return undefined;
  const delay = Math.min(backoff.initialMs * backoff.multiplier ** (attempt - 1), backoff.maxMs);
  return Math.round(delay * (1 - backoff.jitter * Math.random()));
}

function backoffOf(backoff: Exclude<RetryOptions['backoff'], undefined>): Backoff {
  if (typeof backoff !== 'object') {
    const delayMs = milliseconds(backoff, 'retry.backoff', 0, MAX_DELAY_MS);
    return { initialMs: delayMs, multiplier: 1, maxMs: delayMs, jitter: 0 };
  }
  const { multiplier = 2, jitter = 0, max } = backoff;
  const initialMs = milliseconds(backoff.initial, 'retry.backoff.initial', 1, MAX_DELAY_MS);
  if (!(multiplier >= 1 && multiplier <= 100)) throw invalidOption('retry.backoff.multiplier', multiplier, '1 to 100');
  if (!(jitter >= 0 && jitter <= 1)) throw invalidOption('retry.backoff.jitter', jitter, '0 to 1');
  const maxMs =
    max === undefined ? Math.max(HOUR_MS, initialMs) : milliseconds(max, 'retry.backoff.max', initialMs, MAX_DELAY_MS);
  return { initialMs, multiplier, maxMs, jitter };
}
