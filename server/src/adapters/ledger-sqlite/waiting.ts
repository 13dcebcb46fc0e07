import type { ChannelId } from '../../model/channel.js';
import type { Message } from '../../model/message.js';
import { SHARDS, shardOf } from '../../model/shard.js';
import type { ExpiredLease } from '../../ports/schedule.js';
import type { Store } from '../sqlite/store.js';
import type { Key } from './key.js';

export interface WaitingRow {
  readonly row: number;
  readonly channel_id: ChannelId | 0;
  readonly due_at: number;
  readonly accepted_at: number;
  readonly wire: Uint8Array;
}

/** What was removed from the schedule. */
export interface Ended {
  readonly channel_id: ChannelId | 0;
  readonly topic_id: number;
  readonly message_id: string;
  readonly attempt: number;
  readonly nonce: number;
  readonly accepted_at: number;
}

/** The statements on `schedule` for what waits. Those that change something run inside `store.write`. */
export function waitingOf(store: Store) {
  const insert = store.prepare(
    `INSERT INTO schedule (channel_id, topic_id, message_id, state, shard, due_at, attempt, nonce, expires_at, accepted_at,
       wire, reason)
     VALUES (0, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, '')
     ON CONFLICT (channel_id, topic_id, message_id) DO NOTHING`,
  );
  const nextClaim = store.prepare<{ value: number }>(
    `UPDATE counters SET value = value + 1 WHERE name = 'claim' RETURNING value`,
  );
  const columns = 'rowid AS row, channel_id, due_at, accepted_at, wire';
  const selectDue = (shards: readonly number[]) =>
    store.prepare<WaitingRow>(
      `SELECT ${columns} FROM schedule WHERE state IN ('delayed', 'retry') AND due_at <= ? AND ${among(shards)}
       ORDER BY due_at LIMIT ?`,
    );
  const selectRunOut = (shards: readonly number[]) =>
    store.prepare<WaitingRow>(
      `SELECT ${columns} FROM schedule
       WHERE state = 'claimed' AND claim_until <= ? AND claimed_from <> 'parked' AND ${among(shards)} LIMIT ?`,
    );
  const selectParked = store.prepare<WaitingRow>(
    `SELECT ${columns} FROM schedule WHERE state = 'parked' AND topic_id = ? ORDER BY accepted_at, rowid LIMIT ?`,
  );
  const selectParkedRunOut = store.prepare<WaitingRow>(
    `SELECT ${columns} FROM schedule
     WHERE state = 'claimed' AND claim_until <= ? AND claimed_from = 'parked' AND topic_id = ? LIMIT ?`,
  );
  // Goes from topic to topic instead of over all their messages.
  const selectParkedTopics = store.prepare<{ name: string }>(
    `WITH RECURSIVE parked (topic_id) AS (
       SELECT min(topic_id) FROM schedule WHERE state = 'parked'
       UNION ALL
       SELECT (SELECT min(s.topic_id) FROM schedule s WHERE s.state = 'parked' AND s.topic_id > parked.topic_id)
       FROM parked WHERE parked.topic_id IS NOT NULL
     )
     SELECT name FROM topics WHERE id IN (
       SELECT topic_id FROM parked
       UNION
       SELECT topic_id FROM schedule WHERE state = 'claimed' AND claim_until <= ? AND claimed_from = 'parked'
     ) LIMIT ?`,
  );
  const claim = store.prepare(
    `UPDATE schedule SET claimed_from = iif(state = 'claimed', claimed_from, state), state = 'claimed', claim = ?,
       claim_until = ? WHERE rowid = ?`,
  );
  const park = store.prepare(
    `UPDATE schedule SET state = 'parked', claimed_from = '', due_at = 0, claim = 0, claim_until = 0
     WHERE rowid = ? AND claim = ? AND state = 'claimed'`,
  );
  const end = store.prepare<Ended>(
    `DELETE FROM schedule WHERE rowid = ? AND claim = ? AND state = 'claimed'
     RETURNING channel_id, topic_id, message_id, attempt, nonce, accepted_at`,
  );
  const selectLeases = (shards: readonly number[]) =>
    store.prepare<Omit<ExpiredLease, 'aliased'> & { readonly aliased: number }>(
      `SELECT s.channel_id AS channel, t.name AS topic, s.message_id AS id, s.attempt, s.nonce, s.due_at AS deadline, EXISTS (
         SELECT 1 FROM aliases a WHERE a.channel_id = s.channel_id AND a.topic_id = s.topic_id
         AND a.message_id = s.message_id AND a.nonce = s.nonce
       ) AS aliased
       FROM schedule s JOIN topics t ON t.id = s.topic_id
       WHERE s.state = 'leased' AND s.due_at <= ? AND ${among(shards)} ORDER BY s.due_at LIMIT ?`,
    );
  const selectNextDue = store.prepare<{ at: number | null }>(
    `SELECT min(at) AS at FROM (
       SELECT min(due_at) AS at FROM schedule WHERE state IN ('delayed', 'retry')
       UNION ALL
       SELECT min(claim_until) FROM schedule WHERE state = 'claimed' AND claimed_from <> 'parked')`,
  );
  const cancel = store.prepare<{ accepted_at: number }>(
    `DELETE FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ? AND state IN ('delayed', 'parked')
     RETURNING accepted_at`,
  );
  const reschedule = store.prepare(
    `UPDATE schedule SET due_at = ? WHERE channel_id = ? AND topic_id = ? AND message_id = ? AND state = 'delayed'`,
  );
  const selectClaimed = store.prepare(
    `SELECT 1 FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ? AND state = 'claimed'`,
  );

  return {
    add(topic: number, { id, expiresAt, acceptedAt, wire }: Message, dueAt: number | undefined): boolean {
      const state = dueAt === undefined ? 'parked' : 'delayed';
      return insert.run(topic, id, state, shardOf(id), dueAt ?? 0, expiresAt, acceptedAt, wire).changes > 0;
    },
    /** False for a token lower than one seen before. */
    /** A number for one claim, which no other ever has. */
    nextClaim(): number {
      return nextClaim.get()?.value ?? 0;
    },
    due(now: number, limit: number, shards: readonly number[]): WaitingRow[] {
      const runOut = selectRunOut(shards).all(now, limit);
      const due = selectDue(shards).all(now, limit);
      if (runOut.length === 0) return due;
      return [...runOut, ...due].sort((a, b) => a.due_at - b.due_at).slice(0, limit);
    },
    parked(topic: number, now: number, limit: number): WaitingRow[] {
      const runOut = selectParkedRunOut.all(now, topic, limit);
      const parked = selectParked.all(topic, limit);
      if (runOut.length === 0) return parked;
      return [...runOut, ...parked].sort((a, b) => a.accepted_at - b.accepted_at || a.row - b.row).slice(0, limit);
    },
    parkedTopics(now: number, limit: number): string[] {
      return selectParkedTopics.all(now, limit).map(({ name }) => name);
    },
    claim(row: number, number: number, until: number): void {
      claim.run(number, until, row);
    },
    park(row: number, number: number): void {
      park.run(row, number);
    },
    /** Undefined when the claim was lost. */
    end(row: number, number: number): Ended | undefined {
      return end.get(row, number);
    },
    expiredLeases(now: number, limit: number, shards: readonly number[]): ExpiredLease[] {
      return selectLeases(shards)
        .all(now, limit)
        .map((lease) => ({ ...lease, aliased: lease.aliased === 1 }));
    },
    nextDue(): number | undefined {
      return selectNextDue.get()?.at ?? undefined;
    },
    cancel({ channel, topic, id }: Key): { accepted_at: number } | undefined {
      return cancel.get(channel, topic, id);
    },
    reschedule({ channel, topic, id }: Key, dueAt: number): boolean {
      return reschedule.run(dueAt, channel, topic, id).changes > 0;
    },
    isClaimed({ channel, topic, id }: Key): boolean {
      return selectClaimed.get(channel, topic, id) !== undefined;
    },
  };
}

export type WaitingRows = ReturnType<typeof waitingOf>;

/** A condition that is true for rows of these shards: nearly always all of them, as one process has them all. */
function among(shards: readonly number[]): string {
  return shards.length === SHARDS ? 'TRUE' : `shard IN (${shards.join(',')})`;
}
