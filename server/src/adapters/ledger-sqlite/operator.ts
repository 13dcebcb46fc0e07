import { nextRound } from '../../model/attempt.js';
import type { ChannelId } from '../../model/channel.js';
import type { HeldKey } from '../../ports/backlogs.js';
import type { Edit, Operator, Redrive } from '../../ports/operator.js';
import type { ChangeResult } from '../../ports/schedule.js';
import type { Store } from '../sqlite/store.js';
import { type Terms, termsOf } from './terms.js';
import { Topics } from './topics.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';

/** What an operator changes in the data file. */
export class SqliteOperator implements Operator {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #terms: Terms;
  readonly #statements: ReturnType<typeof statementsOf>;

  constructor(store: Store) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#terms = termsOf(store);
    this.#statements = statementsOf(store);
  }

  async pause(channel: ChannelId, paused: boolean): Promise<void> {
    await this.#store.write(UNAVAILABLE, () => this.#statements.pause.run(channel, paused ? 1 : 0));
  }

  async remove(channel: ChannelId): Promise<void> {
    await this.#store.write(UNAVAILABLE, () => this.#statements.remove.run(channel));
  }

  redrive(
    letters: readonly Redrive[],
    { actor, now }: { readonly actor: string; readonly now: number },
  ): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => {
      const { held, record, note, retry } = this.#statements;
      return this.#each(letters, ({ channel, id, dueAt, wire }, topic) => {
        const row = held.get(channel, topic, id, 'dead');
        if (row === undefined) return false;
        const attempt = nextRound(row.attempt);
        if (record.run('retry', attempt, now, channel, topic, id, 'dead').changes === 0) return false;
        note.run(channel, topic, id, attempt, actor, now);
        retry.run(dueAt, attempt, channel, topic, id);
        if (wire !== undefined) this.#statements.body.run(wire, channel, topic, id);
        return true;
      });
    });
  }

  edit({ channel, topic, id }: HeldKey, { from, to, acceptedAt, terms }: Edit): Promise<boolean> {
    return this.#store.write(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return false;
      if (this.#statements.edit.run(to, channel, number, id, from).changes === 0) return false;
      const key = { channel, topic: number, id };
      this.#terms.forget(key);
      if (terms !== undefined) this.#terms.put(key, terms, acceptedAt);
      return true;
    });
  }

  discard(keys: readonly HeldKey[], state: 'retry' | 'dead' | 'leased', now: number): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => {
      const { held, record, forget } = this.#statements;
      return this.#each(keys, ({ channel, id }, topic) => {
        const row = held.get(channel, topic, id, state);
        if (row === undefined) return false;
        if (record.run('purged', row.attempt, now, channel, topic, id, state).changes === 0) return false;
        forget.run(channel, topic, id);
        return true;
      });
    });
  }

  runNow({ channel, topic, id }: HeldKey, now: number): Promise<ChangeResult> {
    return this.#store.write(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return 'absent';
      if (this.#statements.due.run(now, channel, number, id).changes > 0) return 'changed';
      return this.#statements.claimed.get(channel, number, id) === undefined ? 'absent' : 'claimed';
    });
  }

  withdraw(topic: string, limit: number, now: number): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return 0;
      const ids = this.#statements.waiting.all(number, limit);
      for (const { id } of ids) {
        this.#statements.cancelled.run(now, number, id);
        this.#statements.forget.run(0, number, id);
      }
      return ids.length;
    });
  }

  #each<Key extends HeldKey>(keys: readonly Key[], change: (key: Key, topic: number) => boolean): number {
    let changed = 0;
    for (const key of keys) {
      const topic = this.#topics.find(key.topic);
      if (topic !== undefined && change(key, topic)) changed++;
    }
    return changed;
  }
}

/** They run inside `store.write`. */
function statementsOf(store: Store) {
  const key = 'channel_id = ? AND topic_id = ? AND message_id = ?';
  return {
    pause: store.prepare(
      `INSERT INTO channel_states (channel_id, paused, deleted) VALUES (?, ?, 0)
       ON CONFLICT (channel_id) DO UPDATE SET paused = excluded.paused`,
    ),
    remove: store.prepare(
      `INSERT INTO channel_states (channel_id, paused, deleted) VALUES (?, 0, 1)
       ON CONFLICT (channel_id) DO UPDATE SET paused = 0, deleted = 1`,
    ),
    held: store.prepare<{ readonly attempt: number }>(`SELECT attempt FROM schedule WHERE ${key} AND state = ?`),
    record: store.prepare(`UPDATE deliveries SET state = ?, attempt = ?, settled_at = ? WHERE ${key} AND state = ?`),
    note: store.prepare(
      `INSERT OR REPLACE INTO attempts
         (channel_id, topic_id, message_id, attempt, consumer, delivered_at, settled_at, outcome, reason)
       VALUES (?, ?, ?, ?, ?, 0, ?, 'redriven', '')`,
    ),
    retry: store.prepare(
      `UPDATE schedule SET state = 'retry', claimed_from = '', claim = 0, claim_until = 0, expires_at = 0, due_at = ?, attempt = ?
       WHERE ${key}`,
    ),
    body: store.prepare(`UPDATE schedule SET wire = ? WHERE ${key}`),
    edit: store.prepare(`UPDATE schedule SET wire = ? WHERE ${key} AND state = 'dead' AND wire = ?`),
    forget: store.prepare(`DELETE FROM schedule WHERE ${key}`),
    due: store.prepare(`UPDATE schedule SET due_at = ? WHERE ${key} AND state IN ('delayed', 'retry')`),
    claimed: store.prepare(`SELECT 1 FROM schedule WHERE ${key} AND state = 'claimed'`),
    waiting: store.prepare<{ readonly id: string }>(
      `SELECT message_id AS id FROM schedule WHERE channel_id = 0 AND topic_id = ? AND state IN ('delayed', 'parked') LIMIT ?`,
    ),
    cancelled: store.prepare(
      `INSERT OR REPLACE INTO deliveries (channel_id, topic_id, message_id, state, attempt, nonce, consumer, accepted_at,
         delivered_at, settled_at, reason)
       SELECT channel_id, topic_id, message_id, 'cancelled', 0, 0, '', accepted_at, 0, ?, '' FROM schedule
       WHERE channel_id = 0 AND topic_id = ? AND message_id = ?`,
    ),
  };
}
