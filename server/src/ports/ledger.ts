import type { Channel, ChannelId } from '../model/channel.js';
import type { RetryPolicy } from '../model/retry-policy.js';
import type { SearchTerm } from '../model/search-term.js';
import type { Dependency } from './service.js';

/**
 * What happened to every message on every channel, and the arbiter of who may settle it.
 *
 * One record a channel and message, with the attempt and the `nonce` of its last hand-out:
 *
 *              ┌───────────── take (attempt + 1) ─────────────┐
 *              ▼                                               │
 *   (none) ─▶ delivered ─▶ acked │ dead │ expired │ purged     │
 *              │    │                                          │
 *              │    └────▶ returned (its consumer went away) ──┤
 *              │    └────▶ retry (in the schedule until due) ──┤
 *              ▼                                               │
 *            leased (the schedule holds body and deadline) ──▶ acked │ dead │ retry
 *
 * By an operator's word alone (see Operator): dead ─▶ retry, in a new round; retry, leased and dead ─▶ purged.
 *
 * An entry applies when its nonce is the record's and the record is delivered or leased; or when its attempt is higher and
 * the record is not final; or when there is no record. Otherwise it is `stale`, and nothing changes. An entry that is written
 * twice answers `ok` twice, so a commit whose outcome is unknown may be repeated.
 *
 * Failure contract: calls of one kind are gathered into few commits; each resolves after its commit. While the ledger is away
 * they wait and are repeated, until `stop` rejects them with LEDGER_UNAVAILABLE.
 */
export interface Ledger extends Dependency {
  /**
   * The channel, made on first use. A policy that is given replaces the channel's own.
   * Rejects with LEDGER_UNAVAILABLE at once when the ledger is away and the channel is not known here yet.
   */
  channel(topic: string, name: string, retry?: RetryPolicy): Promise<Channel>;
  /** Every channel that was not removed; the list is at most a few seconds old, or read anew when `fresh`. While the ledger is away, the last one. */
  channels(fresh?: boolean): Promise<readonly Channel[]>;
  /**
   * Claims messages that may have been delivered before, in one commit with the record of their hand-out. Answers, for each,
   * the attempt that it is now, or 0 when it must not be handed out: it is final, or the schedule holds it.
   */
  take(claims: readonly Claim[]): Promise<number[]>;
  /** Writes all entries in one commit, together with what the schedule must hold or forget for them. */
  write(entries: readonly Entry[]): Promise<Outcome[]>;
  /** The delivery that was leased under this alias; undefined when there is none. It is known as long as the record is kept. */
  find(alias: string): Promise<Aliased | undefined>;
}

/** One hand-out of one message. */
export interface HandOut {
  readonly channel: ChannelId;
  readonly topic: string;
  readonly id: string;
  /** Of this hand-out alone: a whole number below 2^53. */
  readonly nonce: number;
  /** To whom; empty when not known. */
  readonly consumer: string;
  /** Unix milliseconds; 0 when not known (the settle came by another gateway). */
  readonly acceptedAt: number;
  /** Unix milliseconds; 0 when not known: then this gateway did not hand it out, and is not noted as the one that did. */
  readonly deliveredAt: number;
  /** What it is found by; undefined when it has none, or they are on record. Kept with the record that is made. */
  readonly terms?: readonly SearchTerm[] | undefined;
}

export type Claim = HandOut;

export interface Entry extends HandOut {
  readonly attempt: number;
  readonly change: Change;
  /** There must be a record (the receipt says that one was written): without it, the entry is stale. */
  readonly recorded: boolean;
  /** When it happened, Unix milliseconds. On a leased record, an entry after the lease's deadline is stale. */
  readonly at: number;
  /** The entry ends the lease that ran out at this time, Unix milliseconds: stale when the lease was extended meanwhile. */
  readonly leaseEnd?: number;
}

export type Change =
  | { readonly state: 'delivered' }
  | { readonly state: 'acked' }
  | { readonly state: 'expired' }
  /** An operator ended it before it was handed out. */
  | { readonly state: 'purged' }
  /** `unused`: it never reached its consumer, so its attempt is not told of in the history. */
  | { readonly state: 'returned'; readonly reason: string; readonly unused?: true }
  /** `wire` is absent when the schedule holds the message already (it was leased). `unused`: nobody began with it, so likewise. */
  | {
      readonly state: 'retry';
      readonly reason: string;
      readonly dueAt: number;
      readonly expiresAt: number;
      readonly wire?: Uint8Array;
      readonly unused?: true;
    }
  | { readonly state: 'dead'; readonly reason: string; readonly wire?: Uint8Array }
  /** `wire` is absent when the lease is extended. `alias` is another name for the delivery: 20 characters of 0-9 and a-z. */
  | {
      readonly state: 'leased';
      readonly deadline: number;
      readonly expiresAt: number;
      readonly wire?: Uint8Array;
      readonly alias?: string;
    };

export type Outcome = 'ok' | 'stale';

/** What became of a message on a channel, as far as is recorded. */
export type RecordState = Change['state'] | 'cancelled';

/** A delivery that was leased under an alias. */
export interface Aliased {
  readonly channel: ChannelId;
  readonly topic: string;
  readonly id: string;
  readonly attempt: number;
  readonly nonce: number;
  /** The alias of the delivery before, of the same message on the same channel; empty when this was the first. */
  readonly ref: string;
  /** What became of it. `superseded`: the message was handed out again since. */
  readonly state: RecordState | 'superseded';
}
