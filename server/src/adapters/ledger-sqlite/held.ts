import { shardOf } from '../../model/shard.js';
import type { Entry } from '../../ports/ledger.js';
import type { Store } from '../sqlite/store.js';
import type { Key } from './key.js';

/** `claimed`: it is on its way to the broker. */
export type HeldState = 'delayed' | 'retry' | 'leased' | 'parked' | 'dead' | 'claimed';

/** What the ledger holds for a channel in the schedule's table: retries, leases and dead letters. Runs inside `store.write`. */
export function heldOf(store: Store) {
  const select = store.prepare<{ state: HeldState; due_at: number }>(
    'SELECT state, due_at FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ?',
  );
  const upsert = store.prepare(
    `INSERT INTO schedule (channel_id, topic_id, message_id, state, shard, due_at, attempt, nonce, expires_at, accepted_at,
       wire, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel_id, topic_id, message_id) DO UPDATE SET
       state = excluded.state, claimed_from = '', due_at = excluded.due_at, attempt = excluded.attempt,
       nonce = excluded.nonce, expires_at = excluded.expires_at, accepted_at = excluded.accepted_at, claim = 0,
       claim_until = 0, wire = excluded.wire, reason = excluded.reason`,
  );
  // Who settles by receipt alone does not know when the message expires: 0 leaves it as it is.
  const change = store.prepare(
    `UPDATE schedule SET state = ?1, due_at = ?2, expires_at = iif(?3 = 0, expires_at, ?3), reason = ?4, attempt = ?5,
       nonce = ?6
     WHERE channel_id = ?7 AND topic_id = ?8 AND message_id = ?9 AND state = 'leased'`,
  );
  const remove = store.prepare('DELETE FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ?');

  return {
    state({ channel, topic, id }: Key): HeldState | undefined {
      return select.get(channel, topic, id)?.state;
    },
    /** When it is due, or its lease ends; 0 when nothing is held. */
    dueAt({ channel, topic, id }: Key): number {
      return select.get(channel, topic, id)?.due_at ?? 0;
    },
    /** False when the entry brings no body and none is held: nothing was changed. */
    hold(
      key: Key,
      entry: Entry,
      state: HeldState,
      dueAt: number,
      expiresAt: number,
      reason: string,
      wire?: Uint8Array,
    ) {
      const { channel, topic, id } = key;
      const { attempt, nonce, acceptedAt } = entry;
      if (wire === undefined) {
        return change.run(state, dueAt, expiresAt, reason, attempt, nonce, channel, topic, id).changes > 0;
      }
      upsert.run(channel, topic, id, state, shardOf(id), dueAt, attempt, nonce, expiresAt, acceptedAt, wire, reason);
      return true;
    },
    forget({ channel, topic, id }: Key): void {
      remove.run(channel, topic, id);
    },
  };
}

export type Held = ReturnType<typeof heldOf>;
