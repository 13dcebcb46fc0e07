import type { RowDataPacket } from 'mysql2/promise';
import { STATE_CODE } from '../record.js';
import type { Session } from '../session.js';
import { amongKeys, byKey, type KeyColumns, type Keyed, keyed } from './keys.js';
import { forgetTerms } from './terms.js';

/** Dead letters stay. */
const REMOVED = [STATE_CODE.acked, STATE_CODE.expired, STATE_CODE.cancelled, STATE_CODE.purged];

interface OldRow extends RowDataPacket, KeyColumns {
  readonly state: number;
  readonly attempt: number;
}

/**
 * Removes records that were final before `before`, their aliases, their search terms and the history of their attempts, oldest
 * first; answers how many. They are looked for without a lock, as what is final does not change, and removed by their keys in the keys' order: so
 * the only locks are on rows that nobody writes any more. Runs in a transaction, in two round trips.
 */
export async function pruneRecords(session: Session, before: number, limit: number): Promise<number> {
  // Each state is a range of the index of its own.
  const ranges = REMOVED.map(
    (state) =>
      `(SELECT channel_id, topic_id, message_id, state, attempt FROM deliveries FORCE INDEX (delivery_state_time)
        WHERE state = ${state} AND settled_at < ${before} ORDER BY settled_at LIMIT ${limit})`,
  );
  const rows = await session.rows<OldRow>(`${ranges.join(' UNION ALL ')} LIMIT ${limit}`);
  if (rows.length === 0) return 0;
  const keys = rows.map(keyedOf).sort(byKey);
  // An ack of the first attempt has no history, and is nearly every record.
  const tried = rows.filter(({ state, attempt }) => attempt > 1 || state !== STATE_CODE.acked);
  await session.later(deleteSql('aliases', 'alias_message', keys));
  if (tried.length > 0) await session.later(deleteSql('attempts', 'PRIMARY', tried.map(keyedOf).sort(byKey)));
  // Of an id that waits anew, the terms are newer.
  await forgetTerms(session, keys, `t.accepted_at < ${before}`);
  // Another gateway may have removed it meanwhile, and its id may be in use again.
  const still = `t.state IN (${REMOVED.join(',')}) AND t.settled_at < ${before}`;
  await session.later(`${deleteSql('deliveries', 'PRIMARY', keys)} AND ${still}`);
  return rows.length;
}

function keyedOf({ channel_id, topic_id, message_id }: OldRow): Keyed {
  return keyed(channel_id, topic_id, message_id);
}

function deleteSql(table: string, index: string, keys: readonly Keyed[]): string {
  return `DELETE t FROM ${table} t FORCE INDEX (${index}) WHERE ${amongKeys(keys, 't')}`;
}
