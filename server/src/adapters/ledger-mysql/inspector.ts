import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../model/channel.js';
import type { SearchTerm } from '../../model/search-term.js';
import {
  type AttemptView,
  fits,
  type Inspector,
  type Place,
  type RecordFilter,
  type RecordView,
  type TermFilter,
} from '../../ports/inspector.js';
import type { RecordState } from '../../ports/ledger.js';
import { mergePages, type Walk } from '../../ports/merge-pages.js';
import { type Page, type PageAsk, type Position, SCAN_LIMIT } from '../../ports/page.js';
import type { MysqlConnection } from './connection.js';
import { knownTopic, knownTopics } from './known-topics.js';
import { REDRIVEN_CODE, STATE_CODE, stateOf } from './record.js';
import { HELD_CODE } from './statements/held.js';
import { amongKeys, type KeyColumns, type Keyed, keyed, keyOf } from './statements/keys.js';
import { withTerm } from './statements/terms.js';
import { between, newestFirst, ofChannels, ofTopic, pageOrder, pageSql, stopSql } from './statements/walks.js';

/** Keys to a statement. */
const STATEMENT_KEYS = 1_000;
/** A key is mostly of few messages, so their records are read a few at a time until a page is full. */
const TERM_KEYS = 250;

/** Looks into the tables. */
export class MysqlInspector implements Inspector {
  readonly #connection: MysqlConnection;

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
  }

  async records(filter: RecordFilter, ask: PageAsk): Promise<Page<RecordView>> {
    const topic = filter.topic === undefined ? undefined : await knownTopic(this.#connection, filter.topic);
    if (filter.topic !== undefined && topic === undefined) return { rows: [], next: undefined };
    const walks: Walk<Found>[] = [];
    for (const state of filter.states) walks.push(await this.#walk(state, filter, topic, ask));
    const { rows, next } = mergePages(walks, ask.limit, ({ position }) => position);
    return { rows: rows.map(({ view }) => view), next };
  }

  async recordsAt(id: string, places: readonly Place[]): Promise<RecordView[]> {
    const numbers = await knownTopics(
      this.#connection,
      places.map(({ topic }) => topic),
    );
    const keys = places.flatMap(({ channel, topic }) => {
      const number = numbers.get(topic);
      return number === undefined ? [] : [keyed(channel, number, id)];
    });
    const found: RecordView[] = [];
    for (let from = 0; from < keys.length; from += STATEMENT_KEYS) {
      const part = keys.slice(from, from + STATEMENT_KEYS);
      const { waiting, records } = await this.#at(part);
      found.push(...waiting.map(waitingView), ...records.map(recordView));
    }
    return found;
  }

  async recordsBy(term: SearchTerm, filter: TermFilter, ask: PageAsk): Promise<Page<RecordView>> {
    const topic = filter.topic === undefined ? undefined : await knownTopic(this.#connection, filter.topic);
    if (filter.topic !== undefined && topic === undefined) return { rows: [], next: undefined };
    const along = { table: 'terms', index: 'term_value', condition: withTerm(term) } as const;
    const walk = newestFirst(along, 'accepted_at', ask.from);
    const { topic: name, channels, states, after, before } = filter;
    const filtered = name !== undefined || channels !== undefined || states.length > 0 || after > 0 || before > 0;
    const scan = filtered ? SCAN_LIMIT : ask.limit + 1;
    const keys = await this.#rows<KeyColumns & { readonly accepted_at: number }>(
      pageSql(walk, scan, scan, `${ofTopic(topic)} AND ${ofChannels(filter.channels)}`),
    );
    const rows: Found[] = [];
    for (let from = 0; from < keys.length && rows.length <= ask.limit; from += TERM_KEYS) {
      const part = keys.slice(from, from + TERM_KEYS);
      const views = await this.#viewsAt(part.map((row) => keyed(row.channel_id, row.topic_id, row.message_id)));
      for (const row of part) {
        // What was on its way when the walk saw it may have no record, for a moment.
        const view = views.get(keyOf(row));
        const { accepted_at: time, channel_id: channel, topic_id, message_id: id } = row;
        if (view !== undefined && fits(filter, view))
          rows.push({ view, position: { time, channel, topic: topic_id, id } });
      }
    }
    const [stopped] = rows.length > ask.limit ? [] : await this.#rows<Position>(stopSql(walk, scan));
    const page = mergePages([{ rows, stopped }], ask.limit, ({ position }) => position);
    return { rows: page.rows.map(({ view }) => view), next: page.next };
  }

  async parked(topic: string, { limit, from }: PageAsk): Promise<Page<RecordView>> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return { rows: [], next: undefined };
    const condition = `state = ${HELD_CODE.parked} AND topic_id = ${number}`;
    const walk = newestFirst({ table: 'schedule', index: 'schedule_state_topic', condition }, 'accepted_at', from);
    const found = await this.#rows<WaitingRow>(
      `SELECT STRAIGHT_JOIN ${WAITING} FROM ${pageSql(walk, limit + 1, limit + 1, 'TRUE')} f JOIN schedule s FORCE INDEX (PRIMARY)
         ON s.channel_id = f.channel_id AND s.topic_id = f.topic_id AND s.message_id = f.message_id
       ${WAITING_JOINS} WHERE s.state = ${HELD_CODE.parked} ORDER BY ${pageOrder(walk)}`,
    );
    const rows = found.map((row) => {
      const { accepted_at: time, topic_id, message_id: id } = row;
      return { view: waitingView(row), position: { time, channel: 0, topic: topic_id, id } };
    });
    const page = mergePages([{ rows, stopped: undefined }], limit, ({ position }) => position);
    return { rows: page.rows.map(({ view }) => view), next: page.next };
  }

  /** By key; of what waits for its topic and has a record of an earlier time, what waits. */
  async #viewsAt(keys: readonly Keyed[]): Promise<Map<string, RecordView>> {
    const { waiting, records } = await this.#at(keys);
    const views = new Map(records.map((row) => [keyOf(row), recordView(row)]));
    for (const row of waiting) views.set(keyOf({ ...row, channel_id: 0 }), waitingView(row));
    return views;
  }

  async #at(keys: readonly Keyed[]): Promise<{ readonly waiting: WaitingRow[]; readonly records: RecordRow[] }> {
    const own = keys.filter(({ channel }) => channel === 0);
    const waiting = own.length === 0 ? [] : await this.#rows<WaitingRow>(waitingSql(own));
    return { waiting, records: await this.#rows<RecordRow>(recordsSql(keys)) };
  }

  async attempts(channel: ChannelId | 0, topic: string, id: string): Promise<AttemptView[]> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return [];
    const rows = await this.#rows<AttemptRow>(
      `SELECT attempt, outcome, consumer, delivered_at, settled_at, reason, COALESCE(n.name, '') AS node
       FROM attempts FORCE INDEX (PRIMARY) LEFT JOIN nodes n ON n.id = node_id
       WHERE ${amongKeys([keyed(channel, number, id)])} ORDER BY attempt, settled_at`,
    );
    return rows.map((row) => ({
      attempt: row.attempt,
      outcome: row.outcome === REDRIVEN_CODE ? 'redriven' : stateOf(row.outcome),
      consumer: row.consumer,
      deliveredAt: row.delivered_at,
      settledAt: row.settled_at,
      reason: row.reason ?? '',
      node: row.node,
    }));
  }

  async holders(topic: string, id: string, channels: readonly (ChannelId | 0)[]): Promise<(ChannelId | 0)[]> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined || channels.length === 0) return [];
    const keys = channels.map((channel) => keyed(channel, number, id));
    const rows = await this.#rows<{ readonly channel_id: ChannelId | 0 }>(
      `SELECT channel_id FROM schedule FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys)} ORDER BY channel_id`,
    );
    return rows.map(({ channel_id }) => channel_id);
  }

  async wire(topic: string, id: string, channel: ChannelId | 0): Promise<Uint8Array | undefined> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return undefined;
    const rows = await this.#rows<{ readonly wire: Buffer }>(
      `SELECT wire FROM schedule FORCE INDEX (PRIMARY) WHERE ${amongKeys([keyed(channel, number, id)])}`,
    );
    return rows[0]?.wire;
  }

  async topics(limit: number): Promise<string[]> {
    const rows = await this.#rows<{ readonly name: string }>(`SELECT name FROM topics LIMIT ${limit}`);
    return rows.map(({ name }) => name);
  }

  async knowsTopic(topic: string): Promise<boolean> {
    return (await knownTopic(this.#connection, topic)) !== undefined;
  }

  async #walk(
    state: RecordState,
    { after, before, channels }: RecordFilter,
    topic: number | undefined,
    { limit, from }: PageAsk,
  ): Promise<Walk<Found>> {
    const condition = `state = ${STATE_CODE[state]} AND ${between('settled_at', after, before)}`;
    const walk = newestFirst({ table: 'deliveries', index: 'delivery_state_time', condition }, 'settled_at', from);
    const filtered = topic !== undefined || channels !== undefined;
    const scan = filtered ? SCAN_LIMIT : limit + 1;
    const page = pageSql(walk, scan, limit + 1, `${ofTopic(topic)} AND ${ofChannels(channels)}`);
    const rows = await this.#rows<RecordRow>(
      `SELECT STRAIGHT_JOIN ${VIEW} FROM ${page} f JOIN deliveries d FORCE INDEX (PRIMARY)
         ON d.channel_id = f.channel_id AND d.topic_id = f.topic_id AND d.message_id = f.message_id
       ${JOINS} WHERE d.state = ${STATE_CODE[state]} ORDER BY ${pageOrder(walk)}`,
    );
    const views = rows.map((row) => ({ view: recordView(row), position: positionOf(row) }));
    if (!filtered || rows.length > limit) return { rows: views, stopped: undefined };
    const [stopped] = await this.#rows<Position>(stopSql(walk, scan));
    return { rows: views, stopped };
  }

  #rows<T>(sql: string): Promise<(T & RowDataPacket)[]> {
    return this.#connection.once((session) => session.rows<T & RowDataPacket>(sql));
  }
}

interface Found {
  readonly view: RecordView;
  readonly position: Position;
}

interface RecordRow {
  readonly channel_id: ChannelId | 0;
  readonly topic_id: number;
  readonly name: string;
  readonly message_id: string;
  readonly state: number;
  readonly attempt: number;
  readonly consumer: string;
  readonly accepted_at: number;
  readonly delivered_at: number;
  readonly settled_at: number;
  readonly due_at: number | null;
  readonly reason: string | null;
  readonly node: string;
  readonly message_key: string;
}

type WaitingRow = Pick<RecordRow, 'topic_id' | 'name' | 'message_id' | 'state' | 'accepted_at' | 'message_key'> & {
  readonly due_at: number;
};

interface AttemptRow {
  readonly attempt: number;
  readonly outcome: number;
  readonly consumer: string;
  readonly delivered_at: number;
  readonly settled_at: number;
  readonly reason: string | null;
  readonly node: string;
}

const KEY = `COALESCE(CONVERT(k.value USING utf8mb4), '') AS message_key`;

const VIEW = `d.channel_id, d.topic_id, t.name, d.message_id, d.state, d.attempt, d.consumer, d.accepted_at, d.delivered_at,
  d.settled_at, COALESCE(s.deadline, s.due_at) AS due_at, d.reason, COALESCE(n.name, '') AS node, ${KEY}`;

const JOINS = `JOIN topics t ON t.id = d.topic_id
  LEFT JOIN schedule s FORCE INDEX (PRIMARY) ON d.state IN (${STATE_CODE.retry}, ${STATE_CODE.leased})
    AND s.channel_id = d.channel_id AND s.topic_id = d.topic_id AND s.message_id = d.message_id
  LEFT JOIN nodes n ON n.id = d.node_id ${keyOfRow('d')}`;

function keyOfRow(table: string): string {
  return `LEFT JOIN terms k FORCE INDEX (PRIMARY) ON k.channel_id = ${table}.channel_id AND k.topic_id = ${table}.topic_id
    AND k.message_id = ${table}.message_id AND k.name = ''`;
}

function recordsSql(keys: readonly Keyed[]): string {
  return `SELECT STRAIGHT_JOIN ${VIEW} FROM deliveries d FORCE INDEX (PRIMARY) ${JOINS} WHERE ${amongKeys(keys, 'd')}`;
}

const WAITING = `s.topic_id, t.name, s.message_id, s.state, s.accepted_at, s.due_at, ${KEY}`;

const WAITING_JOINS = `JOIN topics t ON t.id = s.topic_id ${keyOfRow('s')}`;

function waitingSql(keys: readonly Keyed[]): string {
  return `SELECT STRAIGHT_JOIN ${WAITING} FROM schedule s FORCE INDEX (PRIMARY) ${WAITING_JOINS} WHERE ${amongKeys(keys, 's')}`;
}

function recordView(row: RecordRow): RecordView {
  return {
    channel: row.channel_id,
    topic: row.name,
    id: row.message_id,
    state: stateOf(row.state),
    attempt: row.attempt,
    consumer: row.consumer,
    acceptedAt: row.accepted_at,
    deliveredAt: row.delivered_at,
    settledAt: row.settled_at,
    dueAt: row.due_at ?? 0,
    reason: row.reason ?? '',
    node: row.node,
    key: row.message_key,
  };
}

function waitingView(row: WaitingRow): RecordView {
  return {
    channel: 0,
    topic: row.name,
    id: row.message_id,
    state: row.state === HELD_CODE.parked ? 'parked' : 'delayed',
    attempt: 0,
    consumer: '',
    acceptedAt: row.accepted_at,
    deliveredAt: 0,
    settledAt: 0,
    dueAt: row.due_at,
    reason: '',
    node: '',
    key: row.message_key,
  };
}

function positionOf({ settled_at, channel_id, topic_id, message_id }: RecordRow): Position {
  return { time: settled_at, channel: channel_id, topic: topic_id, id: message_id };
}
