import type { ChannelId } from '../model/channel.js';
import type { Page, PageAsk } from './page.js';

/**
 * Looks into what the schedule holds, and counts it. Failure contract: as the Inspector's; and a page ends, too, where its
 * messages would take more than `PAGE_BYTES`.
 */
export interface Backlogs {
  /** What waits for a time, the next due first. */
  scheduled(filter: WaitFilter, ask: PageAsk): Promise<Page<ScheduledView>>;
  /** Dead letters, the last to die first. */
  dead(filter: DeadFilter, ask: PageAsk): Promise<Page<DeadView>>;
  /** How many messages each channel has in which state; no more than `COUNT_LIMIT` of a state are counted, over all. */
  counts(): Promise<LedgerCounts>;
  /** How many messages of each state the channel has by itself, up to `COUNT_LIMIT`: 0 is none, however many others have. */
  holding(channel: ChannelId): Promise<ChannelCounts>;
  /** How many messages wait for the topic itself, up to `COUNT_LIMIT`. */
  waiting(topic: string): Promise<{ readonly delayed: number; readonly parked: number }>;
  /** The topics that have parked messages, up to `limit`. */
  parkedTopics(limit: number): Promise<string[]>;
}

export interface WaitFilter {
  readonly topic: string | undefined;
  /** Undefined: all, and the topics themselves (0). */
  readonly channels: readonly (ChannelId | 0)[] | undefined;
  /** Unix milliseconds, of the due time: at least; 0: no limit. */
  readonly after: number;
  /** Less than; 0: no limit. */
  readonly before: number;
}

export interface DeadFilter {
  readonly topic: string | undefined;
  /** Undefined: all. */
  readonly channels: readonly (ChannelId | 0)[] | undefined;
  /** Undefined: all. With a topic only; up to 1,000. */
  readonly ids: readonly string[] | undefined;
  /** Unix milliseconds, of the death: at least; 0: no limit. */
  readonly after: number;
  /** Less than; 0: no limit. */
  readonly before: number;
  /** Upper and lower case alike; empty: any. */
  readonly reason: string;
}

/** A message that the schedule holds for a channel, or (0) for its topic. */
export interface HeldKey {
  readonly channel: ChannelId | 0;
  readonly topic: string;
  readonly id: string;
}

export interface ScheduledView extends HeldKey {
  readonly attempt: number;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly reason: string;
  readonly wire: Uint8Array;
}

export interface DeadView extends HeldKey {
  readonly attempt: number;
  readonly consumer: string;
  readonly acceptedAt: number;
  readonly diedAt: number;
  readonly reason: string;
  readonly wire: Uint8Array;
}

export interface LedgerCounts {
  readonly channels: ReadonlyMap<ChannelId, ChannelCounts>;
  /** Delayed messages and retries. */
  readonly scheduled: number;
  readonly parked: number;
  readonly dead: number;
  /** A count stopped at its limit. */
  readonly more: boolean;
}

export interface ChannelCounts {
  readonly leased: number;
  readonly retry: number;
  readonly dead: number;
}

export const NO_COUNTS: ChannelCounts = { leased: 0, retry: 0, dead: 0 };
