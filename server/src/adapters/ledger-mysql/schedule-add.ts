import { randomInt } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import type { Waiting } from '../../ports/schedule.js';
import { DUPLICATE_ENTRY, errorNumber } from './errors.js';
import { inTransaction, type Session } from './session.js';
import { amongKeys, byKey, type KeyColumns, keyed, keyOf } from './statements/keys.js';
import { addAll, addMissing, type Held } from './statements/schedule.js';
import { type Indexed, writeTerms } from './statements/terms.js';

/** A number of one call's rows, by which it knows its own: a claim and a hand-out have no meaning for them yet. */
const MARKS = 2 ** 47;

/**
 * Adds messages for their topics, in one commit; no two of one id and topic. Answers false for those whose id waits already.
 *
 * Ids are nearly always new, so all are added at once; only when the server refuses one is it asked which.
 */
export async function addWaiting(
  session: Session,
  messages: readonly Waiting[],
  topicIds: readonly number[],
): Promise<boolean[]> {
  const mark = randomInt(1, MARKS);
  const rows = messages.map((waiting, i) => heldOf(waiting, topicIds[i] ?? 0, mark));
  const sorted = rows.toSorted(byKey);
  const found = indexed(rows, messages).sort(byKey);
  try {
    await inTransaction(async (transaction) => {
      await addAll(transaction, sorted);
      await writeTerms(transaction, found);
    })(session);
    return rows.map(() => true);
  } catch (error) {
    if (errorNumber(error) !== DUPLICATE_ENTRY) throw error;
  }
  const added = await inTransaction(async (transaction) => {
    await addMissing(transaction, sorted);
    const own = await transaction.rows<KeyColumns & RowDataPacket>(
      `SELECT channel_id, topic_id, message_id FROM schedule FORCE INDEX (PRIMARY)
       WHERE ${amongKeys(sorted)} AND nonce = ${mark}`,
    );
    const added = new Set(own.map(keyOf));
    await writeTerms(
      transaction,
      found.filter(({ sql }) => added.has(sql)),
    );
    return added;
  })(session);
  return rows.map(({ sql }) => added.has(sql));
}

/** Those that are found by something: without search headers, none. */
function indexed(rows: readonly Held[], messages: readonly Waiting[]): Indexed[] {
  return rows.flatMap((row, i) => {
    const terms = messages[i]?.terms;
    return terms === undefined ? [] : [{ ...row, terms }];
  });
}

/** The key's fields are written out: spread into a literal, a row took several times the memory of its message. */
function heldOf({ message, dueAt }: Waiting, topicId: number, mark: number): Held {
  const { channel, id, sql } = keyed(0, topicId, message.id);
  return {
    channel,
    topicId,
    id,
    sql,
    state: dueAt === undefined ? 'parked' : 'delayed',
    attempt: 0,
    nonce: mark,
    acceptedAt: message.acceptedAt,
    expiresAt: message.expiresAt,
    time: dueAt ?? 0,
    reason: undefined,
    wire: message.wire,
  };
}
