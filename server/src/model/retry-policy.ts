/** When and how often a channel tries a message again. */
export interface RetryPolicy {
  /** Retries after the first attempt, 0 to 1,000; then the message is dead. */
  readonly maxRetries: number;
  readonly backoff: Backoff;
}

export type Backoff =
  | { readonly kind: 'fixed'; readonly delayMs: number }
  | {
      readonly kind: 'exponential';
      readonly initialMs: number;
      /** 1 to 100. */
      readonly multiplier: number;
      readonly maxMs: number;
      /** The share of the delay that is random, 0 to 1. */
      readonly jitter: number;
    };

export const MAX_RETRIES = 1_000;

/**
 * The delay before the retry that follows `attempt` (1, 2, …), in milliseconds; undefined when the retries are used up.
 * `random` gives a number from 0 to 1.
 */
export function retryDelay(
  policy: RetryPolicy,
  attempt: number,
  random: () => number = Math.random,
): number | undefined {
  if (attempt > policy.maxRetries) return undefined;
  const { backoff } = policy;
  if (backoff.kind === 'fixed') return backoff.delayMs;
  // A power past the double range is Infinity, which min() caps.
  const delay = Math.min(backoff.initialMs * backoff.multiplier ** (attempt - 1), backoff.maxMs);
  return Math.round(delay * (1 - backoff.jitter * random()));
}

/** As ledgers keep it, with its fields in one order: equal policies are equal texts. */
export function encodeRetryPolicy({ maxRetries, backoff }: RetryPolicy): string {
  const { kind } = backoff;
  if (kind === 'fixed') return JSON.stringify({ maxRetries, backoff: { kind, delayMs: backoff.delayMs } });
  const { initialMs, multiplier, maxMs, jitter } = backoff;
  return JSON.stringify({ maxRetries, backoff: { kind, initialMs, multiplier, maxMs, jitter } });
}

/** What `encodeRetryPolicy` made. */
export function decodeRetryPolicy(text: string): RetryPolicy {
  const stored: RetryPolicy = JSON.parse(text);
  return stored;
}
