import type { RetryOptions } from '../consumer/retry-options.js';
import { type Duration, milliseconds, seconds } from '../duration.js';
import type { Middleware } from '../middleware/middleware.js';
import { count } from '../options.js';
import { tell } from '../tell.js';
import type { ChannelLimits } from './channel.js';
import type { LocalSubscribeOptions } from './events.js';
import type { PublisherLimits } from './publisher.js';
import { type RetryPolicy, retryPolicy } from './retry-policy.js';
import { type SlowChannel, warnOfSlowConsumer } from './slowness.js';

/** The limits of a bus; channels may have their own. */
export interface LocalBusOptions {
  /** The most messages that wait in one channel, from 1. Also the most that are kept of all topics that no channel subscribes to: the oldest go. Default: 10,000. */
  queueSize?: number;
  /** What a full queue means for a publish: `false`: it waits; `true`: the channel goes without the message. Default: `false`. */
  discardOnBlocking?: boolean;
  /** How long a publish waits before a channel is called a slow consumer, and how often that is said: 1 ms to 24 h. Default: 3 s. */
  publishTimeout?: Duration;
  /** How long a publish waits for full queues before it rejects; what `lock` waits. Default: 30 s. */
  deadline?: Duration;
  /** For channels without a policy of their own. Default: 3 retries, after 1, 2 and 4 s. */
  retry?: RetryOptions;
  /** How long a message may stay unsettled, where its consumer does not say: 1 s to 24 h. Default: 30 min. */
  lease?: Duration;
  /** For how long an id is remembered, up to 100,000 of them: 1 s to 7 days. Default: 10 min. */
  dedupeWindow?: Duration;
  /** The most dead letters that are kept: the oldest go. Default: 1,000. */
  maxDeadLetters?: number;
  /** The most messages that wait for their time; past it, `publish` rejects with OverloadedError. Default: 100,000. */
  maxScheduled?: number;
  /** The most publishes that wait for room; past it, `publish` rejects with OverloadedError. Default: 100,000. */
  maxPending?: number;
  /** Runs around the handlers of all subscriptions, the first outermost. Default: none. */
  middleware?: readonly Middleware[];
  /** Told of a channel that stays full. Default: a process warning. */
  onSlowConsumer?: (channel: SlowChannel) => void;
}

export interface ResolvedLocalOptions {
  readonly channel: ChannelLimits;
  readonly publisher: PublisherLimits;
  readonly deadlineMs: number;
  readonly policy: RetryPolicy;
  readonly leaseMs: number;
  readonly dedupeWindowMs: number;
  readonly maxDeadLetters: number;
  readonly middleware: readonly Middleware[];
  readonly slow: (channel: SlowChannel) => void;
}

const DAY_MS = 86_400_000;
const DEFAULT_POLICY: RetryPolicy = {
  maxRetries: 3,
  backoff: { initialMs: 1_000, multiplier: 2, maxMs: 3_600_000, jitter: 0 },
};

/** Fills in the defaults; throws InvalidArgumentError, naming the option, for a value out of range. */
export function resolveOptions(options: LocalBusOptions): ResolvedLocalOptions {
  const { onSlowConsumer = warnOfSlowConsumer } = options;
  return {
    channel: {
      queueSize: count(options.queueSize ?? 10_000, 'queueSize', 1),
      discardOnBlocking: options.discardOnBlocking ?? false,
      publishTimeoutMs: milliseconds(options.publishTimeout ?? 3_000, 'publishTimeout', 1, DAY_MS),
    },
    publisher: {
      scheduled: count(options.maxScheduled ?? 100_000, 'maxScheduled', 1),
      pending: count(options.maxPending ?? 100_000, 'maxPending', 1),
    },
    deadlineMs: milliseconds(options.deadline ?? 30_000, 'deadline', 1),
    policy: retryPolicy(options.retry ?? {}, DEFAULT_POLICY),
    leaseMs: seconds(options.lease ?? 1_800_000, 'lease', 1, DAY_MS / 1_000) * 1_000,
    dedupeWindowMs: milliseconds(options.dedupeWindow ?? 600_000, 'dedupeWindow', 1_000, 7 * DAY_MS),
    maxDeadLetters: count(options.maxDeadLetters ?? 1_000, 'maxDeadLetters', 1),
    middleware: options.middleware ?? [],
    slow: (channel) => tell(() => onSlowConsumer(channel)),
  };
}

/** What a subscription asks of its channel. */
export function channelLimits(options: LocalSubscribeOptions): Partial<ChannelLimits> {
  const { queueSize, discardOnBlocking, publishTimeout } = options;
  return {
    ...(queueSize === undefined ? {} : { queueSize: count(queueSize, 'queueSize', 1) }),
    ...(discardOnBlocking === undefined ? {} : { discardOnBlocking }),
    ...(publishTimeout === undefined
      ? {}
      : { publishTimeoutMs: milliseconds(publishTimeout, 'publishTimeout', 1, DAY_MS) }),
  };
}
