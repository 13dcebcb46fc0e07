import { STATE_CODE } from '../record.js';
import type { Session } from '../session.js';
import { amongKeys, type Keyed } from './keys.js';

/** A record of a topic's own message is made anew; a channel's must still be the retry that waited. */
const MAY_END = `(deliveries.channel_id = 0 OR deliveries.state = ${STATE_CODE.retry} AND deliveries.nonce = VALUES(nonce))`;

/** Records that messages end in the schedule, where the condition on its rows holds; locks those rows. The caller then removes them. */
export async function recordEnd(
  session: Session,
  keys: readonly Keyed[],
  condition: string,
  state: 'expired' | 'cancelled',
  at: number,
): Promise<void> {
  await session.run(
    `INSERT INTO deliveries
       (channel_id, topic_id, message_id, state, attempt, nonce, consumer, accepted_at, delivered_at, settled_at, reason)
     SELECT channel_id, topic_id, message_id, ${STATE_CODE[state]}, attempt, nonce, '', accepted_at, 0, ${at}, NULL
     FROM schedule s FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys, 's')} AND ${condition} FOR UPDATE
     ON DUPLICATE KEY UPDATE
       settled_at = IF(${MAY_END}, VALUES(settled_at), deliveries.settled_at),
       accepted_at = IF(${MAY_END}, VALUES(accepted_at), deliveries.accepted_at),
       state = IF(${MAY_END}, VALUES(state), deliveries.state)`,
  );
}

/** Removes records, and the history of their attempts, oldest first. */
export async function pruneRecords(session: Session, before: number, limit: number): Promise<number> {
  let removed = 0;
  // Each state is a range of the index of its own. Dead letters stay.
  for (const state of [STATE_CODE.acked, STATE_CODE.expired, STATE_CODE.cancelled]) {
    const left = limit - removed;
    if (left <= 0) break;
    const old = `FROM deliveries FORCE INDEX (delivery_state_time) WHERE state = ${state} AND settled_at < ${before}
      ORDER BY settled_at LIMIT ${left}`;
    await session.run(
      `DELETE a FROM aliases a JOIN (
         SELECT channel_id, topic_id, message_id FROM (SELECT channel_id, topic_id, message_id ${old}) old
       ) d ON a.channel_id = d.channel_id AND a.topic_id = d.topic_id AND a.message_id = d.message_id`,
    );
    // An ack of the first attempt has no history, and is nearly every record.
    await session.run(
      `DELETE a FROM attempts a JOIN (
         SELECT channel_id, topic_id, message_id, attempt FROM (
           SELECT channel_id, topic_id, message_id, attempt ${old}
         ) old WHERE attempt > 1 OR ${state} <> ${STATE_CODE.acked}
       ) d ON a.channel_id = d.channel_id AND a.topic_id = d.topic_id AND a.message_id = d.message_id`,
    );
    const result = await session.run(
      `DELETE FROM deliveries WHERE state = ${state} AND settled_at < ${before} ORDER BY settled_at LIMIT ${left}`,
    );
    removed += result.affectedRows;
  }
  return removed;
}
