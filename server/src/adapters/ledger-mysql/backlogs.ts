import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../model/channel.js';
import { shardOf } from '../../model/shard.js';
import {
  type Backlogs,
  type ChannelCounts,
  type DeadFilter,
  type DeadView,
  type LedgerCounts,
  NO_COUNTS,
  type ScheduledView,
  type WaitFilter,
} from '../../ports/backlogs.js';
import { byNewest, mergePages } from '../../ports/merge-pages.js';
import { COUNT_LIMIT, fitting, type Page, type PageAsk, type Position, SCAN_LIMIT } from '../../ports/page.js';
import type { MysqlConnection } from './connection.js';
import { knownTopic } from './known-topics.js';
import { STATE_CODE } from './record.js';
import { HELD_CODE, type HeldState } from './statements/held.js';
import { amongKeys, byKey, type KeyColumns, keyed, keyOf } from './statements/keys.js';
import { textLiteral } from './statements/literals.js';
import { parkedTopicsSql } from './statements/parked.js';
import {
  between,
  newestFirst,
  ofChannels,
  ofTopic,
  pageOrder,
  pageSql,
  stopSql,
  type Walk,
} from './statements/walks.js';

const NOTHING = { rows: [], next: undefined } as const;
const MAX_REASON_LENGTH = 256;
/** Keys to a statement. */
const STATEMENT_KEYS = 1_000;

/** Looks into the schedule's table. */
export class MysqlBacklogs implements Backlogs {
  readonly #connection: MysqlConnection;

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
  }

  /** A row that was claimed is on its way: it is left out. */
  async scheduled(filter: WaitFilter, { limit, from }: PageAsk): Promise<Page<ScheduledView>> {
    const topic = await this.#topic(filter.topic);
    if (topic === 'unknown') return NOTHING;
    // Of one time the index goes by shard, which the id tells.
    const walk: Walk = {
      table: 'schedule',
      index: 'schedule_ready',
      columns: ['ready_at', 'shard'],
      from: from && [from.time, shardOf(from.id)],
      position: from,
      order: 'ASC',
      condition: between('ready_at', filter.after, filter.before),
    };
    const condition = `${ofTopic(topic)} AND ${ofChannels(filter.channels)}`;
    const filtered = topic !== undefined || filter.channels !== undefined;
    const scan = filtered ? SCAN_LIMIT : limit + 1;
    const rows = await this.#rows<ScheduledRow>(
      `SELECT STRAIGHT_JOIN s.channel_id, s.topic_id, t.name, s.message_id, s.attempt, s.accepted_at, s.due_at, s.reason, s.claim, f.ready_at,
         LENGTH(s.wire) AS bytes
       FROM ${pageSql(walk, scan, limit + 1, condition)} f JOIN schedule s FORCE INDEX (PRIMARY)
         ON s.channel_id = f.channel_id AND s.topic_id = f.topic_id AND s.message_id = f.message_id
       JOIN topics t ON t.id = s.topic_id ORDER BY ${pageOrder(walk)}`,
    );
    const views = (some: readonly ScheduledRow[]) =>
      this.#whole(
        some.filter(({ claim }) => claim === ''),
        scheduledView,
      );
    const most = fitting(rows, limit);
    if (rows.length > most) {
      const last = rows[most - 1];
      return { rows: await views(rows.slice(0, most)), next: last && positionOf(last, last.ready_at) };
    }
    const [next] = filtered ? await this.#rows<Position>(stopSql(walk, scan)) : [];
    return { rows: await views(rows), next };
  }

  async dead(filter: DeadFilter, ask: PageAsk): Promise<Page<DeadView>> {
    const topic = await this.#topic(filter.topic);
    if (topic === 'unknown') return NOTHING;
    const walk = filter.ids === undefined ? this.#deadByTime(filter, topic, ask) : this.#deadByIds(filter, topic, ask);
    const { rows, stopped } = await walk;
    const page = mergePages([{ rows, stopped }], fitting(rows, ask.limit), (row) => positionOf(row, row.settled_at));
    return { rows: await this.#whole(page.rows, deadView), next: page.next };
  }

  async counts(): Promise<LedgerCounts> {
    const channels = new Map<ChannelId, ChannelCounts>();
    const count = async (state: HeldState): Promise<number> => {
      // The index holds the primary key, and so the channel.
      const rows = await this.#rows<{ readonly channel_id: ChannelId; readonly messages: number }>(
        `SELECT channel_id, COUNT(*) AS messages FROM (
           SELECT channel_id FROM schedule FORCE INDEX (schedule_state_topic) WHERE state = ${HELD_CODE[state]} LIMIT ${COUNT_LIMIT}
         ) s GROUP BY channel_id`,
      );
      for (const { channel_id, messages } of rows) {
        if (state !== 'leased' && state !== 'retry' && state !== 'dead') continue;
        channels.set(channel_id, { ...(channels.get(channel_id) ?? NO_COUNTS), [state]: messages });
      }
      return rows.reduce((sum, { messages }) => sum + messages, 0);
    };
    const leased = await count('leased');
    const retry = await count('retry');
    const dead = await count('dead');
    const delayed = await count('delayed');
    const parked = await count('parked');
    const more = [leased, retry, dead, delayed, parked].some((sum) => sum >= COUNT_LIMIT);
    return { channels, scheduled: Math.min(COUNT_LIMIT, delayed + retry), parked, dead, more };
  }

  async holding(channel: ChannelId): Promise<ChannelCounts> {
    const of = await this.#byState(`channel_id = ${channel}`);
    return { leased: of('leased'), retry: of('retry'), dead: of('dead') };
  }

  async waiting(topic: string): Promise<{ readonly delayed: number; readonly parked: number }> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return { delayed: 0, parked: 0 };
    const of = await this.#byState(`channel_id = 0 AND topic_id = ${number}`);
    return { delayed: of('delayed'), parked: of('parked') };
  }

  async parkedTopics(limit: number): Promise<string[]> {
    const rows = await this.#rows<{ readonly name: string }>(parkedTopicsSql(limit));
    return rows.map(({ name }) => name);
  }

  async #deadByTime(filter: DeadFilter, topic: number | undefined, { limit, from }: PageAsk) {
    const dead = `state = ${STATE_CODE.dead} AND ${between('settled_at', filter.after, filter.before)}`;
    const along = { table: 'deliveries', index: 'delivery_state_time', condition: dead } as const;
    const walk = newestFirst(along, 'settled_at', from);
    const filtered = topic !== undefined || filter.channels !== undefined || filter.reason !== '';
    const scan = filtered ? SCAN_LIMIT : limit + 1;
    const condition = `${ofTopic(topic)} AND ${ofChannels(filter.channels)} AND ${withReason(filter.reason)}`;
    const reasons = filter.reason === '' ? '' : `JOIN deliveries d FORCE INDEX (PRIMARY) ON ${SAME}`;
    const rows = await this.#rows<DeadRow>(
      `SELECT STRAIGHT_JOIN ${LETTER} FROM ${pageSql(walk, scan, limit + 1, condition, reasons)} f
       JOIN deliveries d FORCE INDEX (PRIMARY) ON ${SAME} ${JOINS} ORDER BY ${pageOrder(walk)}`,
    );
    if (!filtered || rows.length > limit) return { rows, stopped: undefined };
    const [stopped] = await this.#rows<Position>(stopSql(walk, scan));
    return { rows, stopped };
  }

  async #deadByIds(filter: DeadFilter, topic: number | undefined, { limit, from }: PageAsk) {
    const keys = (filter.channels ?? []).flatMap((channel) =>
      (filter.ids ?? []).map((id) => keyed(channel, topic ?? 0, id)),
    );
    if (keys.length === 0) return { rows: [], stopped: undefined };
    const rows: DeadRow[] = [];
    for (let at = 0; at < keys.length; at += STATEMENT_KEYS) {
      const found = await this.#rows<DeadRow>(
        `SELECT STRAIGHT_JOIN ${LETTER} FROM deliveries d FORCE INDEX (PRIMARY) ${JOINS}
         WHERE ${amongKeys(keys.slice(at, at + STATEMENT_KEYS), 'd')} AND d.state = ${STATE_CODE.dead}
           AND ${between('d.settled_at', filter.after, filter.before)} AND ${withReason(filter.reason)}`,
      );
      rows.push(...found);
    }
    // At most 1,000 ids on a few channels: the page is cut from them here.
    const all = rows.toSorted((a, b) => byNewest(positionOf(a, a.settled_at), positionOf(b, b.settled_at)));
    const rest = from === undefined ? all : all.filter((row) => byNewest(from, positionOf(row, row.settled_at)) < 0);
    return { rows: rest.slice(0, limit + 1), stopped: undefined };
  }

  /** The rows as views, with their bodies; without those that are gone by now. */
  async #whole<Row extends HeldRow, View>(
    rows: readonly Row[],
    viewOf: (row: Row, wire: Uint8Array) => View,
  ): Promise<View[]> {
    if (rows.length === 0) return [];
    const keys = rows.map((row) => keyed(row.channel_id, row.topic_id, row.message_id));
    const held = await this.#rows<KeyColumns & { readonly wire: Buffer }>(
      `SELECT channel_id, topic_id, message_id, wire FROM schedule FORCE INDEX (PRIMARY)
       WHERE ${amongKeys(keys.toSorted(byKey))}`,
    );
    const wires = new Map(held.map((row) => [keyOf(row), row.wire]));
    return rows.flatMap((row) => {
      const wire = wires.get(keyOf(row));
      return wire === undefined ? [] : [viewOf(row, wire)];
    });
  }

  async #byState(whose: string): Promise<(state: HeldState) => number> {
    const rows = await this.#rows<{ readonly state: number; readonly messages: number }>(
      `SELECT state, COUNT(*) AS messages FROM (
         SELECT state FROM schedule FORCE INDEX (PRIMARY) WHERE ${whose} LIMIT ${COUNT_LIMIT}
       ) s GROUP BY state`,
    );
    return (state) => rows.find((row) => row.state === HELD_CODE[state])?.messages ?? 0;
  }

  async #topic(name: string | undefined): Promise<number | undefined | 'unknown'> {
    return name === undefined ? undefined : ((await knownTopic(this.#connection, name)) ?? 'unknown');
  }

  #rows<T>(sql: string): Promise<(T & RowDataPacket)[]> {
    return this.#connection.once((session) => session.rows<T & RowDataPacket>(sql));
  }
}

const LETTER = `d.channel_id, d.topic_id, t.name, d.message_id, d.attempt, d.consumer, d.accepted_at, d.settled_at, d.reason,
  LENGTH(s.wire) AS bytes`;

const JOINS = `JOIN topics t ON t.id = d.topic_id
  JOIN schedule s FORCE INDEX (PRIMARY)
    ON s.channel_id = d.channel_id AND s.topic_id = d.topic_id AND s.message_id = d.message_id`;

const SAME = 'd.channel_id = f.channel_id AND d.topic_id = f.topic_id AND d.message_id = f.message_id';

function withReason(text: string): string {
  return text === '' ? 'TRUE' : `INSTR(LOWER(d.reason), LOWER(${textLiteral(text, MAX_REASON_LENGTH)})) > 0`;
}

interface HeldRow {
  readonly channel_id: ChannelId | 0;
  readonly topic_id: number;
  readonly name: string;
  readonly message_id: string;
  readonly attempt: number;
  readonly accepted_at: number;
  readonly reason: string | null;
  /** Of the message. */
  readonly bytes: number;
}

interface ScheduledRow extends HeldRow {
  readonly due_at: number;
  readonly ready_at: number;
  /** Empty, unless it is on its way to the broker. */
  readonly claim: string;
}

interface DeadRow extends HeldRow {
  readonly consumer: string;
  readonly settled_at: number;
}

function positionOf({ channel_id, topic_id, message_id }: HeldRow, time: number): Position {
  return { time, channel: channel_id, topic: topic_id, id: message_id };
}

function heldView(row: HeldRow, wire: Uint8Array) {
  return {
    channel: row.channel_id,
    topic: row.name,
    id: row.message_id,
    attempt: row.attempt,
    acceptedAt: row.accepted_at,
    reason: row.reason ?? '',
    wire,
  };
}

function scheduledView(row: ScheduledRow, wire: Uint8Array): ScheduledView {
  return { ...heldView(row, wire), dueAt: row.due_at };
}

function deadView(row: DeadRow, wire: Uint8Array): DeadView {
  return { ...heldView(row, wire), consumer: row.consumer, diedAt: row.settled_at };
}
