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
  await session.later(
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
