import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../../model/channel.js';
import { SHARDS } from '../../../model/shard.js';
import type { Shard } from '../../../ports/schedule.js';
import type { Session } from '../session.js';
import { HELD_CODE } from './held.js';
import { amongKeys, byKey, type KeyColumns, type Keyed, keyed } from './keys.js';

export interface DueRow extends RowDataPacket, KeyColumns {
  /** 0 is no channel's. */
  readonly channel_id: ChannelId;
  readonly shard: number;
  readonly due_at: number;
  readonly wire: Buffer;
}

export interface ClaimTerms {
  readonly limit: number;
  readonly claim: string;
  /** Unix milliseconds. */
  readonly until: number;
}

/** Lets nobody claim in these shards any more who has a lower token. */
export async function raiseFences(session: Session, shards: readonly Shard[]): Promise<void> {
  const values = shards.map(({ shard, fence }) => `('${nameOf(shard)}', ${fence})`).sort();
  await session.run(
    `INSERT INTO fences (name, fence) VALUES ${values.join(',')}
     ON DUPLICATE KEY UPDATE fence = GREATEST(fence, VALUES(fence))`,
  );
}

/**
 * What is due, or whose claim ran out. The fences are read once the rows are locked, and are not locked themselves: a gateway
 * that freezes in the middle of a claim keeps its rows, and nobody from the rest of the shard.
 */
export function claimDue(
  session: Session,
  now: number,
  shards: readonly Shard[],
  terms: ClaimTerms,
): Promise<DueRow[]> {
  const condition = `ready_at <= ${now} AND ${among(shards.map(({ shard }) => shard))}`;
  return claim(session, 'schedule_ready', condition, 'ready_at', terms, async (rows) => {
    const passed = await passFences(session, shards);
    return rows.filter(({ shard }) => passed.has(shard));
  });
}

/** The shards in which nobody with a higher token has claimed. */
async function passFences(session: Session, shards: readonly Shard[]): Promise<Set<number>> {
  const names = shards.map(({ shard }) => `'${nameOf(shard)}'`);
  const rows = await session.rows<{ readonly name: string; readonly fence: number } & RowDataPacket>(
    `SELECT name, fence FROM fences WHERE name IN (${names.join(',')})`,
  );
  const highest = new Map(rows.map(({ name, fence }) => [name, fence]));
  const passed = shards.filter(({ shard, fence }) => fence >= (highest.get(nameOf(shard)) ?? 0));
  return new Set(passed.map(({ shard }) => shard));
}

function nameOf(shard: number): string {
  return `due:${shard}`;
}

/** A condition that is true for rows of these shards. */
export function among(shards: readonly number[]): string {
  return shards.length === SHARDS ? 'TRUE' : `shard IN (${shards.join(',')})`;
}

export function claimParked(session: Session, topicId: number, now: number, terms: ClaimTerms): Promise<DueRow[]> {
  const parked = `state = ${HELD_CODE.parked} AND topic_id = ${topicId} AND claim_until <= ${now}`;
  return claim(session, 'schedule_state_topic', parked, 'accepted_at', terms);
}

/** Nobody wanted them: they wait without a time. */
export async function park(session: Session, keys: readonly Keyed[], condition: string): Promise<void> {
  await session.later(
    `UPDATE schedule FORCE INDEX (PRIMARY)
     SET state = ${HELD_CODE.parked}, due_at = 0, ready_at = NULL, claim = '', claim_until = 0
     WHERE ${amongKeys(keys)} AND ${condition}`,
  );
}

async function claim(
  session: Session,
  index: string,
  condition: string,
  order: string,
  terms: ClaimTerms,
  admit: (rows: DueRow[]) => Promise<DueRow[]> = async (rows) => rows,
): Promise<DueRow[]> {
  // Rows that somebody is changing at this moment are left for the next claim.
  const found = await session.rows<DueRow>(
    `SELECT channel_id, topic_id, message_id, shard, due_at, wire FROM schedule FORCE INDEX (${index})
     WHERE ${condition} ORDER BY ${order} LIMIT ${terms.limit} FOR UPDATE SKIP LOCKED`,
  );
  if (found.length === 0) return found;
  const rows = await admit(found);
  if (rows.length === 0) return rows;
  const keys = rows.map((row) => keyed(row.channel_id, row.topic_id, row.message_id)).sort(byKey);
  await session.later(
    `UPDATE schedule FORCE INDEX (PRIMARY)
     SET claim = '${terms.claim}', claim_until = ${terms.until}, ready_at = IF(ready_at IS NULL, NULL, ${terms.until})
     WHERE ${amongKeys(keys)}`,
  );
  return rows;
}
