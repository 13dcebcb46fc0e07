import { HELD_CODE } from './held.js';

/**
 * The names of topics that have parked messages. Grouped by the whole of the index's first columns, it leaps from topic to topic:
 * 4 ms where reading 300,000 rows takes 380.
 */
export function parkedTopicsSql(limit: number): string {
  return `SELECT STRAIGHT_JOIN t.name FROM (
      SELECT topic_id FROM schedule FORCE INDEX (schedule_state_topic) WHERE state = ${HELD_CODE.parked}
      GROUP BY state, topic_id LIMIT ${limit}
    ) p JOIN topics t ON t.id = p.topic_id`;
}
