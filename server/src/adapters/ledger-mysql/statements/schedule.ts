import type { RowDataPacket } from 'mysql2/promise';
import { shardOf } from '../../../model/shard.js';
import type { Session } from '../session.js';
import { REASON_LENGTH } from './deliveries.js';
import { HELD_CODE, type HeldState } from './held.js';
import { amongKeys, type Keyed } from './keys.js';
import { bytesLiteral, textLiteral } from './literals.js';

/** What the schedule is to hold. */
export interface Held extends Keyed {
  readonly state: HeldState;
  readonly attempt: number;
  readonly nonce: number;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** When it is due, or its lease ends; 0 for neither. */
  readonly time: number;
  readonly reason: string | undefined;
  /** Absent when the row is there and its body stays. */
  readonly wire: Uint8Array | undefined;
}

const INSERT = `INSERT INTO schedule (channel_id, topic_id, message_id, state, shard, attempt, nonce, accepted_at, expires_at,
  due_at, ready_at, deadline, claim, claim_until, reason, wire) VALUES `;

/** No message encodes to nothing, so an empty body stands for the one that is there, with its own expiry. */
const OVERWRITE = ` ON DUPLICATE KEY UPDATE
  expires_at = IF(VALUES(wire) = '', expires_at, VALUES(expires_at)),
  accepted_at = IF(VALUES(accepted_at) = 0, accepted_at, VALUES(accepted_at)),
  wire = IF(VALUES(wire) = '', wire, VALUES(wire)),
  state = VALUES(state), attempt = VALUES(attempt), nonce = VALUES(nonce), due_at = VALUES(due_at),
  ready_at = VALUES(ready_at), deadline = VALUES(deadline), claim = '', claim_until = 0, reason = VALUES(reason)`;

/** Leaves rows that are there as they are. */
const KEEP = ' ON DUPLICATE KEY UPDATE nonce = schedule.nonce';

/** Of those without a body, the caller has found (and locked) the row. */
export async function hold(session: Session, rows: readonly Held[]): Promise<void> {
  await insertInParts(session, rows, OVERWRITE);
}

/** Adds rows whose keys are free. The transaction rejects with ER_DUP_ENTRY when one is not; the rows may be more than one statement's. */
export async function addAll(session: Session, rows: readonly Held[]): Promise<void> {
  await insertInParts(session, rows, '');
}

export async function addMissing(session: Session, rows: readonly Held[]): Promise<void> {
  await insertInParts(session, rows, KEEP);
}

export interface WaitingRow extends RowDataPacket {
  readonly state: number;
  readonly claim: string;
  readonly due_at: number;
}

export async function waitingRow(session: Session, key: Keyed): Promise<WaitingRow | undefined> {
  const rows = await session.rows<WaitingRow>(`SELECT state, claim, due_at FROM schedule WHERE ${amongKeys([key])}`);
  return rows[0];
}

/** Removes rows, in the transaction's next round trip. */
export async function forget(session: Session, keys: readonly Keyed[], condition?: string): Promise<void> {
  if (keys.length > 0) await session.later(deleteSql(keys, condition));
}

/** Removes rows; answers how many. */
export async function remove(session: Session, keys: readonly Keyed[], condition: string): Promise<number> {
  return (await session.run(deleteSql(keys, condition))).affectedRows;
}

/** Of DELETE's forms, only the one with several tables takes an index hint; without it a small table is read, and locked, whole. */
function deleteSql(keys: readonly Keyed[], condition = 'TRUE'): string {
  return `DELETE s FROM schedule s FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys, 's')} AND ${condition}`;
}

async function insertInParts(session: Session, rows: readonly Held[], tail: string): Promise<void> {
  const limit = session.statementBytes;
  let values = '';
  for (const row of rows) {
    if (values !== '' && values.length + sizeOf(row) > limit) {
      await session.later(INSERT + values + tail);
      values = '';
    }
    values += `${values === '' ? '' : ','}${valuesOf(row)}`;
  }
  if (values !== '') await session.later(INSERT + values + tail);
}

function sizeOf(row: Held): number {
  return 400 + 2 * (row.wire?.length ?? 0) + 4 * (row.reason?.length ?? 0);
}

function valuesOf(row: Held): string {
  const { state, time } = row;
  const waits = state === 'delayed' || state === 'retry';
  const due = waits ? `${time},${time},NULL` : state === 'leased' ? `0,NULL,${time}` : '0,NULL,NULL';
  const reason = row.reason === undefined ? 'NULL' : textLiteral(row.reason, REASON_LENGTH);
  const wire = row.wire === undefined ? `''` : bytesLiteral(row.wire);
  return `(${row.sql},${HELD_CODE[state]},${shardOf(row.id)},${row.attempt},${row.nonce},${row.acceptedAt},${row.expiresAt},${due},'',0,${reason},${wire})`;
}
