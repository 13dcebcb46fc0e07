import type { RowDataPacket } from 'mysql2/promise';
import type { Claim } from '../../ports/ledger.js';
import { isFinal } from '../../ports/record.js';
import type { Session } from './session.js';
import { lockRecords, type PlacedEntry, type StoredRecord } from './statements/deliveries.js';
import { HELD_CODE } from './statements/held.js';
import { amongKeys, type KeyColumns, type Keyed, keyOf } from './statements/keys.js';
import { forget } from './statements/schedule.js';
import { writeRecords } from './transitions.js';

export interface PlacedClaim extends Keyed {
  readonly claim: Claim;
}

/**
 * Answers the attempt of each claim, or 0, and records the hand-outs. Runs in a transaction; claims that are repeated get
 * the answer that they got.
 *
 * Whoever claims holds a copy that came by the broker. So the schedule's row of a retry that is under way is dropped here:
 * should its publisher have crashed before it could settle the row, no second copy follows.
 */
export async function takeClaims(session: Session, claims: readonly PlacedClaim[], node: number): Promise<number[]> {
  const records = await lockRecords(session, claims);
  const retried = claims.filter(({ sql }) => records.get(sql)?.state === 'retry');
  const waits = await retriesThatWait(session, retried);
  const attempts = claims.map(({ sql, claim }) => {
    const record = records.get(sql);
    return waits.get(sql) === true ? 0 : attemptAfter(record, claim);
  });
  const handedOut = claims.flatMap((claim, i): PlacedEntry[] => {
    const attempt = attempts[i] ?? 0;
    return attempt === 0 ? [] : [{ ...claim, entry: entryOf(claim.claim, attempt), at: i }];
  });
  await writeRecords(session, handedOut, records, node);
  await forget(
    session,
    retried.filter(({ sql }) => waits.get(sql) === false),
  );
  return attempts;
}

function attemptAfter(record: StoredRecord | undefined, claim: Claim): number {
  if (record === undefined) return 1;
  if (isFinal(record.state) || record.state === 'leased') return 0;
  return record.nonce === claim.nonce ? record.attempt : record.attempt + 1;
}

/** Of messages whose record is in `retry`: whether each still waits, or is on its way to the broker. Absent: the broker has it. */
async function retriesThatWait(session: Session, keys: readonly Keyed[]): Promise<Map<string, boolean>> {
  if (keys.length === 0) return new Map();
  const rows = await session.rows<KeyColumns & { readonly claim: string } & RowDataPacket>(
    `SELECT channel_id, topic_id, message_id, claim FROM schedule FORCE INDEX (PRIMARY)
     WHERE ${amongKeys(keys)} AND state = ${HELD_CODE.retry} FOR UPDATE`,
  );
  return new Map(rows.map((row) => [keyOf(row), row.claim === '']));
}

function entryOf(claim: Claim, attempt: number): PlacedEntry['entry'] {
  return { ...claim, attempt, change: { state: 'delivered' }, recorded: false, at: 0 };
}
