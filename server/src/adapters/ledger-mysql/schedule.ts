import { randomUUID } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../model/channel.js';
import { openMessage } from '../../model/message-codec.js';
import type { ChangeResult, Due, ExpiredLease, Schedule, SettledClaim, Shard, Waiting } from '../../ports/schedule.js';
import type { MysqlConnection } from './connection.js';
import { GroupWriter } from './group-writer.js';
import { addWaiting } from './schedule-add.js';
import { settleClaims } from './schedule-settle.js';
import { inTransaction } from './session.js';
import { among, type ClaimTerms, claimDue, claimParked, type DueRow, raiseFences } from './statements/claims.js';
import { recordEnd } from './statements/endings.js';
import { HELD_CODE } from './statements/held.js';
import { amongKeys, keyed } from './statements/keys.js';
import { parkedTopicsSql } from './statements/parked.js';
import { pruneRecords } from './statements/prune.js';
import { remove, waitingRow } from './statements/schedule.js';
import { Topics } from './topics.js';

const GROUP_ITEMS = 500;
const GROUP_BYTES = 4_000_000;
const GROUPS_AT_ONCE = 2;

/**
 * The schedule in MySQL or MariaDB, on the connection that the ledger starts and stops.
 *
 * A row that was claimed belongs to its claim until that is settled or claimed anew, even when its time is over: whoever
 * claimed it may be bringing it to the broker.
 */
export class MysqlSchedule implements Schedule {
  readonly #connection: MysqlConnection;
  readonly #topics = new Topics();
  readonly #adds: GroupWriter<Waiting, boolean>;
  /** The highest token of each shard that this gateway has written down. */
  readonly #fences = new Map<number, number>();

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
    this.#adds = new GroupWriter<Waiting, boolean>({
      maxItems: GROUP_ITEMS,
      maxBytes: GROUP_BYTES,
      maxFlights: GROUPS_AT_ONCE,
      sizeOf: ({ message }) => message.wire.length,
      keyOf: ({ message }) => `${message.id}/${message.topic}`,
      commit: (messages) => this.#add(messages),
    });
  }

  add(messages: readonly Waiting[]): Promise<boolean[]> {
    return this.#adds.write(messages);
  }

  async claim(now: number, limit: number, claimMs: number, shards: readonly Shard[]): Promise<Due[]> {
    if (shards.length === 0) return [];
    await this.#raise(shards);
    const terms = { limit, claim: randomUUID(), until: now + claimMs };
    return this.#connection.once(
      inTransaction(async (session) => {
        const due = dueOf(await claimDue(session, now, shards, terms), terms);
        // A row whose claim ran out is found by the end of that claim, and yet was due before. The index orders those of one
        // moment by shard; ids grow with time.
        return due.sort((a, b) => a.dueAt - b.dueAt || (a.message.id < b.message.id ? -1 : 1));
      }),
    );
  }

  /** A token is written down before its first claim. */
  async #raise(shards: readonly Shard[]): Promise<void> {
    const raised = shards.filter(({ shard, fence }) => fence > (this.#fences.get(shard) ?? 0));
    if (raised.length === 0) return;
    await this.#connection.once((session) => raiseFences(session, raised));
    for (const { shard, fence } of raised) this.#fences.set(shard, fence);
  }

  async claimParked(topic: string, now: number, limit: number, claimMs: number): Promise<Due[]> {
    const terms = { limit, claim: randomUUID(), until: now + claimMs };
    const topicId = await this.#number(topic);
    return this.#connection.once(
      inTransaction(async (session) => dueOf(await claimParked(session, topicId, now, terms), terms)),
    );
  }

  async parkedTopics(limit: number): Promise<string[]> {
    const rows = await this.#rows<{ readonly name: string }>(parkedTopicsSql(limit));
    return rows.map(({ name }) => name);
  }

  async settle(settled: readonly SettledClaim[], now: number): Promise<void> {
    if (settled.length === 0) return;
    const topicIds = await this.#numbers(settled.map(({ due }) => due.message.topic));
    await this.#connection.once(inTransaction((session) => settleClaims(session, settled, topicIds, now)));
  }

  async expiredLeases(now: number, limit: number, shards: readonly Shard[]): Promise<ExpiredLease[]> {
    if (shards.length === 0) return [];
    const rows = await this.#rows<LeaseRow>(
      `SELECT s.channel_id, t.name, s.message_id, s.attempt, s.nonce, s.deadline, EXISTS (
         SELECT 1 FROM aliases a WHERE a.channel_id = s.channel_id AND a.topic_id = s.topic_id
         AND a.message_id = s.message_id AND a.nonce = s.nonce
       ) AS aliased
       FROM schedule s FORCE INDEX (schedule_deadline) JOIN topics t ON t.id = s.topic_id
       WHERE s.deadline <= ${now} AND ${among(shards.map(({ shard }) => shard))} ORDER BY s.deadline LIMIT ${limit}`,
    );
    return rows.map((row) => ({
      channel: row.channel_id,
      topic: row.name,
      id: row.message_id,
      attempt: row.attempt,
      nonce: row.nonce,
      deadline: row.deadline,
      aliased: row.aliased === 1,
    }));
  }

  async nextDue(): Promise<number | undefined> {
    const rows = await this.#rows<{ readonly at: number | null }>('SELECT MIN(ready_at) AS at FROM schedule');
    return rows[0]?.at ?? undefined;
  }

  async cancel(topic: string, id: string, now: number): Promise<ChangeResult> {
    const key = keyed(0, await this.#number(topic), id);
    const waits = `s.state IN (${HELD_CODE.delayed}, ${HELD_CODE.parked}) AND s.claim = ''`;
    return this.#connection.once(
      inTransaction(async (session) => {
        await recordEnd(session, [key], waits, 'cancelled', now);
        if ((await remove(session, [key], waits)) > 0) return 'changed';
        return (await waitingRow(session, key)) === undefined ? 'absent' : 'claimed';
      }),
    );
  }

  async reschedule(topic: string, id: string, dueAt: number): Promise<ChangeResult> {
    const key = keyed(0, await this.#number(topic), id);
    return this.#connection.once(async (session) => {
      const { affectedRows } = await session.run(
        `UPDATE schedule SET due_at = ${dueAt}, ready_at = ${dueAt}
         WHERE ${amongKeys([key])} AND state = ${HELD_CODE.delayed} AND claim = ''`,
      );
      if (affectedRows > 0) return 'changed';
      const row = await waitingRow(session, key);
      if (row === undefined || (row.state === HELD_CODE.parked && row.claim === '')) return 'absent';
      // An update to the same time counts no row.
      return row.claim === '' && row.due_at === dueAt ? 'changed' : 'claimed';
    });
  }

  prune(before: number, limit: number): Promise<number> {
    return this.#connection.once(inTransaction((session) => pruneRecords(session, before, limit)));
  }

  async #add(messages: readonly Waiting[]): Promise<boolean[]> {
    const topicIds = await this.#numbers(messages.map(({ message }) => message.topic));
    return this.#connection.once((session) => addWaiting(session, messages, topicIds));
  }

  #numbers(topics: readonly string[]): Promise<number[]> {
    return this.#topics.numbers(topics, (work) => this.#connection.once(work));
  }

  async #number(topic: string): Promise<number> {
    const [number] = await this.#numbers([topic]);
    return number ?? 0;
  }

  #rows<T>(sql: string): Promise<(T & RowDataPacket)[]> {
    return this.#connection.once((session) => session.rows<T & RowDataPacket>(sql));
  }
}

interface LeaseRow {
  readonly channel_id: ChannelId;
  readonly name: string;
  readonly message_id: string;
  readonly attempt: number;
  readonly nonce: number;
  readonly deadline: number;
  readonly aliased: number;
}

function dueOf(rows: readonly DueRow[], { claim }: ClaimTerms): Due[] {
  return rows.map((row) => ({
    claim,
    channel: row.channel_id === 0 ? undefined : row.channel_id,
    message: openMessage(row.wire),
    dueAt: row.due_at,
  }));
}
