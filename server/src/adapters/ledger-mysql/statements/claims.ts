import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../../model/channel.js';
import type { Session } from '../session.js';
import { amongKeys, byKey, type KeyColumns, type Keyed, keyed } from './keys.js';
import { HELD_CODE } from './schedule.js';

export interface DueRow extends RowDataPacket, KeyColumns {
  /** 0 is no channel's. */
  readonly channel_id: ChannelId;
  readonly due_at: number;
  readonly wire: Buffer;
}

export interface ClaimTerms {
  readonly limit: number;
  readonly claim: string;
  /** Unix milliseconds. */
  readonly until: number;
}

/**
 * Takes the fence and keeps it to the end of the transaction, so that claims come one after the other. False: somebody was
 * here with a higher one.
 */
export async function passFence(session: Session, fence: number): Promise<boolean> {
  const rows = await session.rows<{ readonly fence: number } & RowDataPacket>(
    `SELECT fence FROM fences WHERE name = 'due' FOR UPDATE`,
  );
  const highest = rows[0]?.fence ?? 0;
  if (fence < highest) return false;
  if (fence > highest) {
    await session.run(
      `INSERT INTO fences (name, fence) VALUES ('due', ${fence}) ON DUPLICATE KEY UPDATE fence = VALUES(fence)`,
    );
  }
  return true;
}

/** What is due, or whose claim ran out. */
export function claimDue(session: Session, now: number, terms: ClaimTerms): Promise<DueRow[]> {
  return claim(session, 'schedule_ready', `ready_at <= ${now}`, 'ready_at', terms);
}

export function claimParked(session: Session, topicId: number, now: number, terms: ClaimTerms): Promise<DueRow[]> {
  const parked = `state = ${HELD_CODE.parked} AND topic_id = ${topicId} AND claim_until <= ${now}`;
  return claim(session, 'schedule_state_topic', parked, 'accepted_at', terms);
}

/** Nobody wanted them: they wait without a time. */
export async function park(session: Session, keys: readonly Keyed[], condition: string): Promise<void> {
  await session.run(
    `UPDATE schedule FORCE INDEX (PRIMARY)
     SET state = ${HELD_CODE.parked}, due_at = 0, ready_at = NULL, claim = '', claim_until = 0
     WHERE ${amongKeys(keys)} AND ${condition}`,
  );
}

async function claim(session: Session, index: string, condition: string, order: string, terms: ClaimTerms) {
  // Rows that somebody is changing at this moment are left for the next claim.
  const rows = await session.rows<DueRow>(
    `SELECT channel_id, topic_id, message_id, due_at, wire FROM schedule FORCE INDEX (${index})
     WHERE ${condition} ORDER BY ${order} LIMIT ${terms.limit} FOR UPDATE SKIP LOCKED`,
  );
  if (rows.length === 0) return rows;
  const keys = rows.map((row) => keyed(row.channel_id, row.topic_id, row.message_id)).sort(byKey);
  await session.run(
    `UPDATE schedule FORCE INDEX (PRIMARY)
     SET claim = '${terms.claim}', claim_until = ${terms.until}, ready_at = IF(ready_at IS NULL, NULL, ${terms.until})
     WHERE ${amongKeys(keys)}`,
  );
  return rows;
}
