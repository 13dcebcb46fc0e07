import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import type { Entry, HandOut } from '../../../ports/ledger.js';
import type { DeliveryRecord } from '../../../ports/record.js';
import { STATE_CODE, stateOf } from '../record.js';
import type { Session } from '../session.js';
import { HELD_CODE } from './held.js';
import { amongKeys, type KeyColumns, type Keyed, keyOf } from './keys.js';
import { textLiteral } from './literals.js';

const CONSUMER_LENGTH = 64;
export const REASON_LENGTH = 1_024;

/** An entry with its place in the tables. `at` is its place in the call. */
export interface PlacedEntry extends Keyed {
  readonly entry: Entry;
  readonly at: number;
}

export interface StoredRecord extends DeliveryRecord {
  readonly consumer: string;
  readonly acceptedAt: number;
  readonly deliveredAt: number;
  /** When its lease ends, Unix milliseconds; undefined when the schedule holds none, or was not asked. */
  readonly deadline: number | undefined;
}

const COLUMNS = `d.channel_id, d.topic_id, d.message_id, d.state, d.attempt, d.nonce, d.consumer, d.accepted_at, d.delivered_at`;

const INSERT = `INSERT INTO deliveries
  (channel_id, topic_id, message_id, state, attempt, nonce, consumer, accepted_at, delivered_at, settled_at, reason, node_id) VALUES `;

const { delivered, returned } = STATE_CODE;

/**
 * The part of `judge` that needs no look at the schedule: the entry is of the same hand-out, or of a later one. A record in
 * `retry` or `leased` is left to a transaction, which also changes what the schedule holds.
 */
const FRESHER = `(state = ${delivered} AND nonce = VALUES(nonce) OR state <= ${returned} AND attempt < VALUES(attempt))`;

/**
 * Assignments happen from left to right, so each sees what those before it changed. After `nonce` FRESHER still says the
 * same; after `state` it does not, and the nonce and state that the row then has tell whether the entry applied.
 */
const APPLIED = '(nonce = VALUES(nonce) AND state = VALUES(state))';

/** What a settle by a stranger does not know (the consumer, the times, the gateway) stays as the hand-out's own record has it. */
const WRITE_FRESHER = ` ON DUPLICATE KEY UPDATE
  consumer = IF(${FRESHER} AND (VALUES(consumer) <> '' OR nonce <> VALUES(nonce)), VALUES(consumer), consumer),
  node_id = IF(${FRESHER} AND (VALUES(node_id) <> 0 OR nonce <> VALUES(nonce)), VALUES(node_id), node_id),
  delivered_at = IF(${FRESHER} AND (VALUES(delivered_at) <> 0 OR nonce <> VALUES(nonce)), VALUES(delivered_at), delivered_at),
  accepted_at = IF(${FRESHER} AND VALUES(accepted_at) <> 0, VALUES(accepted_at), accepted_at),
  nonce = IF(${FRESHER}, VALUES(nonce), nonce),
  state = IF(${FRESHER}, VALUES(state), state),
  attempt = IF(${APPLIED}, VALUES(attempt), attempt),
  settled_at = IF(${APPLIED}, VALUES(settled_at), settled_at),
  reason = IF(${APPLIED}, VALUES(reason), reason)`;

const OVERWRITE = ` ON DUPLICATE KEY UPDATE
  consumer = IF(VALUES(consumer) <> '' OR nonce <> VALUES(nonce), VALUES(consumer), consumer),
  node_id = IF(VALUES(node_id) <> 0 OR nonce <> VALUES(nonce), VALUES(node_id), node_id),
  delivered_at = IF(VALUES(delivered_at) <> 0 OR nonce <> VALUES(nonce), VALUES(delivered_at), delivered_at),
  accepted_at = IF(VALUES(accepted_at) <> 0, VALUES(accepted_at), accepted_at),
  nonce = VALUES(nonce), state = VALUES(state), attempt = VALUES(attempt), settled_at = VALUES(settled_at),
  reason = VALUES(reason)`;

/**
 * Writes what is fresher than its record, in one statement. Answers whether all were; if not, the records tell which.
 *
 * A row counts 1 when it was inserted, 2 when it was changed, 0 when it was left as it was; `Duplicates` counts the changed
 * ones. So n rows that count n + duplicates were all written, while one left out and one changed count 2, and duplicates 1.
 */
export async function writeFresher(session: Session, rows: readonly PlacedEntry[], node: number): Promise<boolean> {
  const result = await session.run(INSERT + valuesOf(rows, node) + WRITE_FRESHER);
  if (rows.length === 1) return result.affectedRows > 0;
  return result.affectedRows === rows.length + duplicatesOf(result);
}

/** The transaction rejects with ER_DUP_ENTRY when one of them has a record by now. */
export async function insertRecords(session: Session, rows: readonly PlacedEntry[], node: number): Promise<void> {
  if (rows.length > 0) await session.later(INSERT + valuesOf(rows, node));
}

/** The caller holds locks on the records, and has found that the entries apply. */
export async function overwriteRecords(session: Session, rows: readonly PlacedEntry[], node: number): Promise<void> {
  if (rows.length > 0) await session.later(INSERT + valuesOf(rows, node) + OVERWRITE);
}

/** The records that there are, by key, as they are at this moment. */
export async function readRecords(session: Session, keys: readonly Keyed[]): Promise<Map<string, StoredRecord>> {
  return recordsOf(
    await session.rows<RecordRow>(
      `SELECT ${COLUMNS}, NULL AS deadline FROM deliveries d FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys, 'd')}`,
    ),
  );
}

/**
 * The same, and how long each is leased. Records and leases stay as they are until the transaction ends; a record that is not
 * there cannot be locked. A lease is locked only under the lock of its record, so that no two transactions wait for each other.
 */
export async function lockRecords(session: Session, keys: readonly Keyed[]): Promise<Map<string, StoredRecord>> {
  return recordsOf(
    await session.rows<RecordRow>(
      `SELECT STRAIGHT_JOIN ${COLUMNS}, s.deadline FROM deliveries d FORCE INDEX (PRIMARY)
       LEFT JOIN schedule s FORCE INDEX (PRIMARY) ON s.channel_id = d.channel_id AND s.topic_id = d.topic_id
         AND s.message_id = d.message_id AND s.state = ${HELD_CODE.leased}
       WHERE ${amongKeys(keys, 'd')} FOR UPDATE`,
    ),
  );
}

/** Keeps how attempts ended, for when a later attempt takes the record. An ack ends the last one, and stands in the record alone. */
export async function appendAttempts(session: Session, keys: readonly Keyed[]): Promise<void> {
  if (keys.length === 0) return;
  await session.later(
    `INSERT INTO attempts
       (channel_id, topic_id, message_id, attempt, nonce, outcome, consumer, delivered_at, settled_at, reason, node_id)
     SELECT channel_id, topic_id, message_id, attempt, nonce, state, consumer, delivered_at, settled_at, reason, node_id
     FROM deliveries FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys)}
     ON DUPLICATE KEY UPDATE outcome = VALUES(outcome), settled_at = VALUES(settled_at), reason = VALUES(reason)`,
  );
}

interface RecordRow extends RowDataPacket, KeyColumns {
  readonly state: number;
  readonly attempt: number;
  readonly nonce: number;
  readonly consumer: string;
  readonly accepted_at: number;
  readonly delivered_at: number;
  readonly deadline: number | null;
}

function recordsOf(rows: readonly RecordRow[]): Map<string, StoredRecord> {
  const records = new Map<string, StoredRecord>();
  for (const row of rows) {
    records.set(keyOf(row), {
      state: stateOf(row.state),
      attempt: row.attempt,
      nonce: row.nonce,
      consumer: row.consumer,
      acceptedAt: row.accepted_at,
      deliveredAt: row.delivered_at,
      deadline: row.deadline ?? undefined,
    });
  }
  return records;
}

function valuesOf(rows: readonly PlacedEntry[], node: number): string {
  let sql = '';
  for (const { sql: key, entry } of rows) {
    const { change } = entry;
    const open = change.state === 'delivered' || change.state === 'leased';
    const reason = 'reason' in change ? textLiteral(change.reason, REASON_LENGTH) : 'NULL';
    sql += `${sql === '' ? '' : ','}(${key},${STATE_CODE[change.state]},${outOf(entry, entry.attempt)},${open ? 0 : entry.at},${reason},${entry.deliveredAt === 0 ? 0 : node})`;
  }
  return sql;
}

function outOf(out: HandOut, attempt: number): string {
  return `${attempt},${out.nonce},${textLiteral(out.consumer, CONSUMER_LENGTH)},${out.acceptedAt},${out.deliveredAt}`;
}

function duplicatesOf(result: ResultSetHeader): number {
  const count = /Duplicates: (\d+)/.exec(result.info)?.[1];
  // Without the count, no sum fits, and the records are read.
  return count === undefined ? Number.NaN : Number(count);
}
