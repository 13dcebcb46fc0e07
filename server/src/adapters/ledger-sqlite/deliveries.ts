import type { HandOut, RecordState } from '../../ports/ledger.js';
import type { DeliveryRecord } from '../../ports/record.js';
import type { Store } from '../sqlite/store.js';
import type { Key } from './key.js';
import { termsOf } from './terms.js';

/** The statements on `deliveries` and `attempts`. Those that change something run inside `store.write`. */
export function deliveriesOf(store: Store) {
  const select = store.prepare<DeliveryRecord>(
    'SELECT state, attempt, nonce FROM deliveries WHERE channel_id = ? AND topic_id = ? AND message_id = ?',
  );
  // What a settle by a stranger does not know (the consumer, the times, the gateway) stays as the hand-out's own record has it.
  const upsert = store.prepare(
    `INSERT INTO deliveries (channel_id, topic_id, message_id, state, attempt, nonce, consumer, accepted_at, delivered_at,
       settled_at, reason, node_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel_id, topic_id, message_id) DO UPDATE SET
       state = excluded.state,
       attempt = excluded.attempt,
       consumer = iif(excluded.consumer = '' AND excluded.nonce = nonce, consumer, excluded.consumer),
       accepted_at = iif(excluded.accepted_at = 0, accepted_at, excluded.accepted_at),
       delivered_at = iif(excluded.delivered_at = 0 AND excluded.nonce = nonce, delivered_at, excluded.delivered_at),
       node_id = iif(excluded.node_id = 0 AND excluded.nonce = nonce, node_id, excluded.node_id),
       nonce = excluded.nonce,
       settled_at = excluded.settled_at,
       reason = excluded.reason`,
  );
  const append = store.prepare(
    `INSERT OR REPLACE INTO attempts
       (channel_id, topic_id, message_id, attempt, consumer, delivered_at, settled_at, outcome, reason, node_id)
     SELECT channel_id, topic_id, message_id, attempt, consumer, delivered_at, settled_at, state, reason, node_id FROM deliveries
     WHERE channel_id = ? AND topic_id = ? AND message_id = ?`,
  );
  const selectOld = store.prepare<Key>(
    `SELECT channel_id AS channel, topic_id AS topic, message_id AS id FROM deliveries
     WHERE state IN ('acked', 'expired', 'cancelled') AND settled_at < ? ORDER BY settled_at LIMIT ?`,
  );
  const selectOldPurged = store.prepare<Key>(
    `SELECT channel_id AS channel, topic_id AS topic, message_id AS id FROM deliveries
     WHERE state = 'purged' AND state NOT IN ('acked', 'leased') AND settled_at < ? ORDER BY settled_at LIMIT ?`,
  );
  const deleteRecord = store.prepare('DELETE FROM deliveries WHERE channel_id = ? AND topic_id = ? AND message_id = ?');
  const deleteAttempts = store.prepare('DELETE FROM attempts WHERE channel_id = ? AND topic_id = ? AND message_id = ?');
  const terms = termsOf(store);
  const deleteAliases = store.prepare('DELETE FROM aliases WHERE channel_id = ? AND topic_id = ? AND message_id = ?');

  return {
    find({ channel, topic, id }: Key): DeliveryRecord | undefined {
      return select.get(channel, topic, id);
    },
    /** `node` is this gateway's number. */
    put(key: Key, out: HandOut, attempt: number, state: RecordState, settledAt: number, reason: string, node: number) {
      const { nonce, consumer, acceptedAt, deliveredAt } = out;
      const { channel, topic, id } = key;
      const by = deliveredAt === 0 ? 0 : node;
      upsert.run(channel, topic, id, state, attempt, nonce, consumer, acceptedAt, deliveredAt, settledAt, reason, by);
    },
    /** Keeps how the record's attempt ended, for when a later attempt takes the record. */
    append({ channel, topic, id }: Key): void {
      append.run(channel, topic, id);
    },
    /** Ends a message that waited in the schedule: nobody had it last. */
    end(
      { channel, topic, id }: Key,
      attempt: number,
      nonce: number,
      state: RecordState,
      acceptedAt: number,
      at: number,
    ) {
      upsert.run(channel, topic, id, state, attempt, nonce, '', acceptedAt, 0, at, '', 0);
    },
    prune(before: number, limit: number): number {
      const old = selectOld.all(before, limit);
      if (old.length < limit) old.push(...selectOldPurged.all(before, limit - old.length));
      for (const key of old) {
        const { channel, topic, id } = key;
        // Of an id that waits anew, the terms are newer.
        terms.forgetOld(key, before);
        deleteAttempts.run(channel, topic, id);
        deleteAliases.run(channel, topic, id);
        deleteRecord.run(channel, topic, id);
      }
      return old.length;
    },
  };
}

export type Deliveries = ReturnType<typeof deliveriesOf>;
