import type { ChannelId } from '../model/channel.js';
import type { Message } from '../model/message.js';
import type { SearchTerm } from '../model/search-term.js';

/**
 * The messages that wait for a time, and whose body the ledger therefore holds: delayed (for a topic), retry (for a channel),
 * leased (taken by `Pull`, for a channel), parked (for a topic that has no channel yet).
 *
 *   delayed ─┐                     ┌─▶ (gone: the broker has it)
 *   retry ───┼─▶ claimed ── done ──┤
 *   parked ──┘      │              └─▶ parked (no channel wanted it)
 *                   └── claim ran out: it may be claimed again
 *
 * Failure contract: every call is one commit and rejects with LEDGER_UNAVAILABLE when it cannot be made; `add` is then safe to
 * repeat. Never early: nothing is claimed before its time.
 */
export interface Schedule {
  /** Adds messages for their topics: delayed with a due time, parked without one. Answers false for one whose id waits on its topic already. */
  add(messages: readonly Waiting[]): Promise<boolean[]>;
  /**
   * Claims up to `limit` of what is due at `now` in these shards, oldest first, until `now + claimMs`. A shard whose fencing
   * token is lower than one seen before is left out: its lock has gone to somebody else.
   */
  claim(now: number, limit: number, claimMs: number, shards: readonly Shard[]): Promise<Due[]>;
  /** Claims parked messages of a topic, in order of acceptance. */
  claimParked(topic: string, now: number, limit: number, claimMs: number): Promise<Due[]>;
  /** The topics that have parked messages, up to `limit`. */
  parkedTopics(limit: number): Promise<string[]>;
  settle(settled: readonly SettledClaim[], now: number): Promise<void>;
  /** Leases in these shards whose deadline is past, oldest first. */
  expiredLeases(now: number, limit: number, shards: readonly Shard[]): Promise<ExpiredLease[]>;
  /** The earliest time at which something is due; undefined when nothing waits. */
  nextDue(): Promise<number | undefined>;
  /** Withdraws a delayed or parked message. */
  cancel(topic: string, id: string, now: number): Promise<ChangeResult>;
  /** Gives a delayed message another due time. */
  reschedule(topic: string, id: string, dueAt: number): Promise<ChangeResult>;
  /** Removes up to `limit` records that were final before `before`; answers how many. Dead letters stay. */
  prune(before: number, limit: number): Promise<number>;
}

/** A part of the schedule (see model/shard.ts), and the fencing token of whoever looks after it. */
export interface Shard {
  readonly shard: number;
  readonly fence: number;
}

export interface Waiting {
  readonly message: Message;
  /** Unix milliseconds; undefined parks it. */
  readonly dueAt: number | undefined;
  /** What it is found by while it waits. */
  readonly terms?: readonly SearchTerm[] | undefined;
}

/** What became of a claim: the broker has the message, no channel wanted it, or it expired in the wait. */
export interface SettledClaim {
  readonly due: Due;
  readonly how: 'published' | 'parked' | 'expired';
  /** It waited for its topic under search terms, which go with it when the broker has it. */
  readonly indexed?: boolean;
}

export interface Due {
  /** Opaque to the core. */
  readonly claim: string;
  /** The channel that waits for it; undefined: its topic. */
  readonly channel: ChannelId | undefined;
  readonly message: Message;
  /** Unix milliseconds; 0 when it was parked. */
  readonly dueAt: number;
}

export interface ExpiredLease {
  readonly channel: ChannelId;
  readonly topic: string;
  readonly id: string;
  readonly attempt: number;
  readonly nonce: number;
  /** Unix milliseconds. */
  readonly deadline: number;
  /** It was leased under an alias. */
  readonly aliased: boolean;
}

/** `claimed`: its delivery has begun. */
export type ChangeResult = 'changed' | 'claimed' | 'absent';
