import type { ChannelId } from '../model/channel.js';
import type { SearchTerm } from '../model/search-term.js';
import type { HeldKey } from './backlogs.js';
import type { ChangeResult } from './schedule.js';

/**
 * Changes what the ledger holds, by an operator's word.
 *
 * Failure contract: every call is one commit, is safe to repeat, and rejects with LEDGER_UNAVAILABLE when it cannot be made.
 * What somebody else settled meanwhile is left as it is, and not counted.
 */
export interface Operator {
  pause(channel: ChannelId, paused: boolean): Promise<void>;
  /** The channel is listed no more. Its number stays its own: a channel of its name that is made later gets it again. */
  remove(channel: ChannelId): Promise<void>;
  /** Dead letters become retries of their channel, each due at its time, in a new round of attempts. Answers how many did. */
  redrive(letters: readonly Redrive[], terms: { readonly actor: string; readonly now: number }): Promise<number>;
  /** A dead letter's message becomes another, with its search terms. False: it is not dead any more, or not as it was read. */
  edit(key: HeldKey, edit: Edit): Promise<boolean>;
  /** Messages that the schedule holds for a channel in this state end purged, their bodies removed. Answers how many did. */
  discard(keys: readonly HeldKey[], state: 'retry' | 'dead' | 'leased', now: number): Promise<number>;
  /** A delayed message, or a retry, is due now. */
  runNow(key: HeldKey, now: number): Promise<ChangeResult>;
  /** Up to `limit` messages that wait for the topic itself, delayed or parked, end cancelled. Answers how many did. */
  withdraw(topic: string, limit: number, now: number): Promise<number>;
}

export interface Redrive extends HeldKey {
  /** Unix milliseconds. */
  readonly dueAt: number;
  /** What it is from now on; absent: what it was. */
  readonly wire?: Uint8Array;
}

/** Of an encoded message. */
export interface Edit {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly acceptedAt: number;
  readonly terms: readonly SearchTerm[] | undefined;
}
