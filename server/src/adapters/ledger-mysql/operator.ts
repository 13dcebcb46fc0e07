import type { RowDataPacket } from 'mysql2/promise';
import { ROUND } from '../../model/attempt.js';
import type { ChannelId } from '../../model/channel.js';
import type { HeldKey } from '../../ports/backlogs.js';
import type { Edit, Operator, Redrive } from '../../ports/operator.js';
import type { ChangeResult } from '../../ports/schedule.js';
import type { MysqlConnection } from './connection.js';
import { knownTopic, knownTopics } from './known-topics.js';
import { REDRIVEN_CODE, STATE_CODE } from './record.js';
import { inTransaction, type Session } from './session.js';
import { recordEnd } from './statements/endings.js';
import { HELD_CODE } from './statements/held.js';
import { amongKeys, byKey, type KeyColumns, type Keyed, keyed, keyOf } from './statements/keys.js';
import { bytesLiteral, textLiteral } from './statements/literals.js';
import { forget, waitingRow } from './statements/schedule.js';
import { forgetTerms, writeTerms } from './statements/terms.js';

const CONSUMER_LENGTH = 64;

/** What an operator changes in the tables. */
export class MysqlOperator implements Operator {
  readonly #connection: MysqlConnection;

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
  }

  async pause(channel: ChannelId, paused: boolean): Promise<void> {
    await this.#run(
      `INSERT INTO channel_states (channel_id, paused, deleted) VALUES (${channel}, ${paused ? 1 : 0}, 0)
       ON DUPLICATE KEY UPDATE paused = VALUES(paused)`,
    );
  }

  async remove(channel: ChannelId): Promise<void> {
    await this.#run(
      `INSERT INTO channel_states (channel_id, paused, deleted) VALUES (${channel}, 0, 1)
       ON DUPLICATE KEY UPDATE paused = 0, deleted = 1`,
    );
  }

  async redrive(
    letters: readonly Redrive[],
    { actor, now }: { readonly actor: string; readonly now: number },
  ): Promise<number> {
    const keys = await this.#keys(letters);
    const dueAt = new Map(keys.map(({ sql }, i) => [sql, letters[i]?.dueAt ?? now]));
    const wires = new Map(keys.map(({ sql }, i) => [sql, letters[i]?.wire]));
    return this.#change(keys, 'dead', async (session, held) => {
      await session.run(
        `UPDATE deliveries FORCE INDEX (PRIMARY)
         SET state = ${STATE_CODE.retry}, attempt = (attempt DIV ${ROUND} + 1) * ${ROUND}, settled_at = ${now}
         WHERE ${amongKeys(held)} AND state = ${STATE_CODE.dead}`,
      );
      await session.run(
        `INSERT IGNORE INTO attempts
           (channel_id, topic_id, message_id, attempt, nonce, outcome, consumer, delivered_at, settled_at, reason)
         SELECT channel_id, topic_id, message_id, attempt, nonce, ${REDRIVEN_CODE}, ${textLiteral(actor, CONSUMER_LENGTH)}, 0, ${now}, NULL
         FROM deliveries FORCE INDEX (PRIMARY) WHERE ${amongKeys(held)}`,
      );
      for (const { sql } of held) {
        const wire = wires.get(sql);
        if (wire !== undefined)
          await session.later(`UPDATE schedule SET wire = ${bytesLiteral(wire)} WHERE ${at(sql)}`);
      }
      for (const [time, group] of groupBy(held, ({ sql }) => dueAt.get(sql) ?? now)) {
        await session.run(
          `UPDATE schedule FORCE INDEX (PRIMARY)
           SET state = ${HELD_CODE.retry}, attempt = (attempt DIV ${ROUND} + 1) * ${ROUND}, expires_at = 0, due_at = ${time},
             ready_at = ${time}, claim = '', claim_until = 0
           WHERE ${amongKeys(group)}`,
        );
      }
    });
  }

  async edit(key: HeldKey, { from, to, acceptedAt, terms }: Edit): Promise<boolean> {
    const [place] = await this.#keys([key]);
    if (place === undefined) return false;
    return this.#connection.once(
      inTransaction(async (session) => {
        const [row] = await session.rows<{ readonly wire: Buffer } & RowDataPacket>(
          `SELECT wire FROM schedule FORCE INDEX (PRIMARY)
           WHERE ${at(place.sql)} AND state = ${HELD_CODE.dead} FOR UPDATE`,
        );
        if (row === undefined || !row.wire.equals(from)) return false;
        await session.later(`UPDATE schedule SET wire = ${bytesLiteral(to)} WHERE ${at(place.sql)}`);
        await forgetTerms(session, [place]);
        await writeTerms(session, [{ ...place, acceptedAt, terms }]);
        return true;
      }),
    );
  }

  async discard(keys: readonly HeldKey[], state: 'retry' | 'dead' | 'leased', now: number): Promise<number> {
    return this.#change(await this.#keys(keys), state, async (session, held) => {
      await session.run(
        `UPDATE deliveries FORCE INDEX (PRIMARY) SET state = ${STATE_CODE.purged}, settled_at = ${now}
         WHERE ${amongKeys(held)} AND state = ${STATE_CODE[state]}`,
      );
      await forget(session, held);
    });
  }

  async runNow({ channel, topic, id }: HeldKey, now: number): Promise<ChangeResult> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return 'absent';
    const key = keyed(channel, number, id);
    return this.#connection.once(async (session) => {
      const { affectedRows } = await session.run(
        `UPDATE schedule FORCE INDEX (PRIMARY) SET due_at = ${now}, ready_at = ${now}
         WHERE ${amongKeys([key])} AND state IN (${HELD_CODE.delayed}, ${HELD_CODE.retry}) AND claim = ''`,
      );
      if (affectedRows > 0) return 'changed';
      const row = await waitingRow(session, key);
      const waits = row !== undefined && (row.state === HELD_CODE.delayed || row.state === HELD_CODE.retry);
      if (!waits) return 'absent';
      // An update to the same time counts no row.
      return row.claim === '' ? 'changed' : 'claimed';
    });
  }

  async withdraw(topic: string, limit: number, now: number): Promise<number> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return 0;
    return this.#connection.once(
      inTransaction(async (session) => {
        const rows = await session.rows<KeyColumns & RowDataPacket>(
          `SELECT channel_id, topic_id, message_id FROM schedule FORCE INDEX (PRIMARY)
           WHERE channel_id = 0 AND topic_id = ${number} AND claim = '' LIMIT ${limit} FOR UPDATE SKIP LOCKED`,
        );
        if (rows.length === 0) return 0;
        const keys = rows.map((row) => keyed(0, row.topic_id, row.message_id));
        await recordEnd(session, keys, 'TRUE', 'cancelled', now);
        await forget(session, keys);
        return keys.length;
      }),
    );
  }

  /** Changes those that the schedule holds in this state, and nobody has claimed. Answers how many they were. */
  #change(
    keys: readonly Keyed[],
    state: 'retry' | 'dead' | 'leased',
    change: (session: Session, held: readonly Keyed[]) => Promise<unknown>,
  ): Promise<number> {
    if (keys.length === 0) return Promise.resolve(0);
    const sorted = keys.toSorted(byKey);
    return this.#connection.once(
      inTransaction(async (session) => {
        // Records first, as whoever settles does.
        await session.rows(
          `SELECT state FROM deliveries FORCE INDEX (PRIMARY) WHERE ${amongKeys(sorted)} AND state = ${STATE_CODE[state]} FOR UPDATE`,
        );
        const rows = await session.rows<KeyColumns & RowDataPacket>(
          `SELECT channel_id, topic_id, message_id FROM schedule FORCE INDEX (PRIMARY)
           WHERE ${amongKeys(sorted)} AND state = ${HELD_CODE[state]} AND claim = '' FOR UPDATE`,
        );
        const there = new Set(rows.map(keyOf));
        const held = sorted.filter(({ sql }) => there.has(sql));
        if (held.length > 0) await change(session, held);
        return held.length;
      }),
    );
  }

  /** Those of topics that the ledger knows; of others it holds nothing. */
  async #keys(keys: readonly HeldKey[]): Promise<Keyed[]> {
    const numbers = await knownTopics(
      this.#connection,
      keys.map(({ topic }) => topic),
    );
    return keys.map(({ channel, topic, id }) => keyed(channel, numbers.get(topic) ?? 0, id));
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.once((session) => session.run(sql));
  }
}

/** One row, by the text of its key. */
function at(sql: string): string {
  return `(channel_id, topic_id, message_id) = (${sql})`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
