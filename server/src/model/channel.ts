import type { RetryPolicy } from './retry-policy.js';

/** A number that stands for a channel in the ledger and in receipts. */
export type ChannelId = number & { readonly channelId: unique symbol };

/** A named subscription of a topic, or of a pattern of topics. */
export interface Channel {
  readonly id: ChannelId;
  /** A topic, or a pattern of topics. */
  readonly topic: string;
  readonly name: string;
  /** The channel's own policy; undefined means the config's. */
  readonly retry: RetryPolicy | undefined;
  /** Unix milliseconds; absent where it is not known. */
  readonly createdAt?: number;
  /** An operator paused it: nothing of it is handed out. */
  readonly paused?: boolean;
}
