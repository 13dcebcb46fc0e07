import type { Entry, RecordState } from './ledger.js';

/** What the ledger knows of one message on one channel, as far as it decides. */
export interface DeliveryRecord {
  readonly state: RecordState;
  readonly attempt: number;
  readonly nonce: number;
}

/** `repeat`: it was written before, and stands. */
export type Verdict = 'apply' | 'repeat' | 'stale';

export function isFinal(state: RecordState): boolean {
  return state === 'acked' || state === 'dead' || state === 'expired' || state === 'cancelled' || state === 'purged';
}

/** The rule of the ledger, the same in every adapter: whether an entry applies to the record of its message. */
export function judge(record: DeliveryRecord | undefined, entry: Entry): Verdict {
  if (record === undefined) return entry.recorded ? 'stale' : 'apply';
  const { state } = entry.change;
  if (record.nonce !== entry.nonce) {
    return entry.attempt > record.attempt && !isFinal(record.state) ? 'apply' : 'stale';
  }
  // Whoever still holds a hand-out that is over learns it by this.
  if (state === 'delivered') return record.state === 'delivered' || record.state === 'leased' ? 'repeat' : 'stale';
  // An extended lease is the one state that is written anew.
  if (record.state === state && state !== 'leased') return 'repeat';
  if (record.state === 'delivered') return 'apply';
  // The broker no longer has what is leased, so it cannot go back there.
  if (record.state === 'leased') return state === 'returned' ? 'stale' : 'apply';
  return 'stale';
}

/**
 * Whether an entry that applies to a leased record comes in time: a settle before the lease ends at `deadline`, the end of the
 * lease only while nobody has extended it.
 */
export function inTime(entry: Entry, deadline: number): boolean {
  return entry.leaseEnd === undefined ? entry.at <= deadline : entry.leaseEnd === deadline;
}
