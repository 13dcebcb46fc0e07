import type { Entry, Outcome } from '../../ports/ledger.js';
import { inTime, judge } from '../../ports/record.js';
import { DUPLICATE_ENTRY, errorNumber, LostRace } from './errors.js';
import { inTransaction, type Session } from './session.js';
import { writeAliases } from './statements/aliases.js';
import {
  appendAttempts,
  insertRecords,
  lockRecords,
  overwriteRecords,
  type PlacedEntry,
  type StoredRecord,
} from './statements/deliveries.js';
import { forget, type Held, hold } from './statements/schedule.js';
import { type Indexed, writeTerms } from './statements/terms.js';

/**
 * Writes entries together with what the schedule must hold or forget for them. Runs in `recording`, which is safe to repeat: two
 * round trips, one to look and one to write and commit.
 *
 * An entry that repeats what stands changes nothing: the schedule may have moved on since, and would deliver once more.
 */
export async function writeTransitions(
  session: Session,
  rows: readonly PlacedEntry[],
  node: number,
): Promise<Outcome[]> {
  const records = await lockRecords(session, rows);
  const verdicts = rows.map((row) => {
    const record = records.get(row.sql);
    const verdict = judge(record, row.entry);
    return verdict === 'apply' && isLate(row, record) ? 'stale' : verdict;
  });

  const applied = rows.filter((_, i) => verdicts[i] === 'apply');
  await writeRecords(session, applied, records, node);
  await appendAttempts(
    session,
    applied.filter(({ entry }) => endsAttempt(entry)),
  );
  await hold(
    session,
    applied.flatMap((row) => heldOf(row, records.get(row.sql)) ?? []),
  );
  await forget(
    session,
    applied.filter((row) => !holds(row.entry) && mayBeHeld(row.entry, records.get(row.sql))),
  );
  await writeAliases(session, applied);
  return verdicts.map((verdict) => (verdict === 'stale' ? 'stale' : 'ok'));
}

/** The work in a transaction that makes records. One that another gateway made meanwhile is a lost race: everything is looked at anew. */
export function recording<T>(work: (session: Session) => Promise<T>): (session: Session) => Promise<T> {
  const transaction = inTransaction(work);
  return async (session) => {
    try {
      return await transaction(session);
    } catch (error) {
      if (errorNumber(error) === DUPLICATE_ENTRY)
        throw new LostRace('another gateway made the record', { cause: error });
      throw error;
    }
  };
}

/** For entries that apply, whose records were read with a lock. */
export async function writeRecords(
  session: Session,
  rows: readonly PlacedEntry[],
  records: ReadonlyMap<string, StoredRecord>,
  node: number,
): Promise<void> {
  const fresh = rows.filter((row) => !records.has(row.sql));
  await insertRecords(session, fresh, node);
  await overwriteRecords(
    session,
    rows.filter((row) => records.has(row.sql)),
    node,
  );
  await writeTerms(session, fresh.map(indexed));
}

export function indexed(row: PlacedEntry): Indexed {
  const { channel, topicId, id, sql, entry } = row;
  return { channel, topicId, id, sql, acceptedAt: entry.acceptedAt, terms: entry.terms };
}

/** The lease that it needs, or would end, is not there or not its own to end. */
function isLate({ entry }: PlacedEntry, record: StoredRecord | undefined): boolean {
  const deadline = record?.deadline;
  // Nothing holds the message, so it can be neither tried again nor kept.
  if (deadline === undefined) return needsBody(entry);
  return record?.state === 'leased' && !inTime(entry, deadline);
}

/** Whether the schedule holds the message from this entry on. */
function holds({ change }: Entry): boolean {
  return change.state === 'retry' || change.state === 'dead' || change.state === 'leased';
}

function needsBody(entry: Entry): boolean {
  return holds(entry) && !('wire' in entry.change && entry.change.wire !== undefined);
}

/** A settle by a stranger may be of a message that was leased; so may one whose record says so. */
function mayBeHeld(entry: Entry, record: StoredRecord | undefined): boolean {
  return entry.acceptedAt === 0 || record?.state === 'leased' || record?.state === 'retry';
}

function endsAttempt({ change }: Entry): boolean {
  if (change.state === 'returned' || change.state === 'retry') return change.unused !== true;
  const { state } = change;
  return state !== 'delivered' && state !== 'leased' && state !== 'acked' && state !== 'purged';
}

function heldOf(row: PlacedEntry, record: StoredRecord | undefined): Held | undefined {
  const { entry } = row;
  const { change, attempt, nonce } = entry;
  const acceptedAt = entry.acceptedAt || (record?.acceptedAt ?? 0);
  const { channel, topicId, id, sql } = row;
  const base = { channel, topicId, id, sql, attempt, nonce, acceptedAt };
  switch (change.state) {
    case 'retry':
      return {
        ...base,
        state: 'retry',
        expiresAt: change.expiresAt,
        time: change.dueAt,
        reason: change.reason,
        wire: change.wire,
      };
    case 'leased':
      return {
        ...base,
        state: 'leased',
        expiresAt: change.expiresAt,
        time: change.deadline,
        reason: undefined,
        wire: change.wire,
      };
    case 'dead':
      return { ...base, state: 'dead', expiresAt: 0, time: 0, reason: change.reason, wire: change.wire };
    default:
      return undefined;
  }
}
