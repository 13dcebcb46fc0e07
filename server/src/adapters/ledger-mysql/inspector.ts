import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../model/channel.js';
import type { AttemptView, Inspector, Place, RecordFilter, RecordView } from '../../ports/inspector.js';
import type { RecordState } from '../../ports/ledger.js';
import { mergePages, type Walk } from '../../ports/merge-pages.js';
import { type Page, type PageAsk, type Position, SCAN_LIMIT } from '../../ports/page.js';
import type { MysqlConnection } from './connection.js';
import { knownTopic, knownTopics } from './known-topics.js';
import { REDRIVEN_CODE, STATE_CODE, stateOf } from './record.js';
import { HELD_CODE } from './statements/held.js';
import { amongKeys, type Keyed, keyed } from './statements/keys.js';
import {
  between,
  type Walk as DeliveryWalk,
  ofChannels,
  ofTopic,
  pageOrder,
  pageSql,
  stopSql,
} from './statements/walks.js';

/** Keys to a statement. */
const STATEMENT_KEYS = 1_000;

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
      const own = part.filter(({ channel }) => channel === 0);
      if (own.length > 0) found.push(...(await this.#rows<WaitingRow>(waitingSql(own))).map(waitingView));
      found.push(...(await this.#rows<RecordRow>(recordsSql(part))).map(recordView));
    }
    return found;
  }

  async attempts(channel: ChannelId | 0, topic: string, id: string): Promise<AttemptView[]> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return [];
    const rows = await this.#rows<AttemptRow>(
      `SELECT attempt, outcome, consumer, delivered_at, settled_at, reason FROM attempts FORCE INDEX (PRIMARY)
       WHERE ${amongKeys([keyed(channel, number, id)])} ORDER BY attempt, settled_at`,
    );
    return rows.map((row) => ({
      attempt: row.attempt,
      outcome: row.outcome === REDRIVEN_CODE ? 'redriven' : stateOf(row.outcome),
      consumer: row.consumer,
      deliveredAt: row.delivered_at,
      settledAt: row.settled_at,
      reason: row.reason ?? '',
    }));
  }

  async wire(topic: string, id: string, channels: readonly ChannelId[]): Promise<Uint8Array | undefined> {
    const number = await knownTopic(this.#connection, topic);
    if (number === undefined) return undefined;
    const keys = [0, ...channels].map((channel) => keyed(channel, number, id));
    const rows = await this.#rows<{ readonly wire: Buffer }>(
      `SELECT wire FROM schedule FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys)} LIMIT 1`,
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
    const walk: DeliveryWalk = {
      table: 'deliveries',
      index: 'delivery_state_time',
      columns: ['settled_at'],
      from: from && [from.time],
      position: from,
      order: 'DESC',
      condition: `state = ${STATE_CODE[state]} AND ${between('settled_at', after, before)}`,
    };
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
}

type WaitingRow = Pick<RecordRow, 'name' | 'message_id' | 'state' | 'accepted_at'> & { readonly due_at: number };

interface AttemptRow {
  readonly attempt: number;
  readonly outcome: number;
  readonly consumer: string;
  readonly delivered_at: number;
  readonly settled_at: number;
  readonly reason: string | null;
}

const VIEW = `d.channel_id, d.topic_id, t.name, d.message_id, d.state, d.attempt, d.consumer, d.accepted_at, d.delivered_at,
  d.settled_at, COALESCE(s.deadline, s.due_at) AS due_at, d.reason`;

const JOINS = `JOIN topics t ON t.id = d.topic_id
  LEFT JOIN schedule s FORCE INDEX (PRIMARY) ON d.state IN (${STATE_CODE.retry}, ${STATE_CODE.leased})
    AND s.channel_id = d.channel_id AND s.topic_id = d.topic_id AND s.message_id = d.message_id`;

function recordsSql(keys: readonly Keyed[]): string {
  return `SELECT STRAIGHT_JOIN ${VIEW} FROM deliveries d FORCE INDEX (PRIMARY) ${JOINS} WHERE ${amongKeys(keys, 'd')}`;
}

function waitingSql(keys: readonly Keyed[]): string {
  return `SELECT STRAIGHT_JOIN t.name, s.message_id, s.state, s.accepted_at, s.due_at
    FROM schedule s FORCE INDEX (PRIMARY) JOIN topics t ON t.id = s.topic_id WHERE ${amongKeys(keys, 's')}`;
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
  };
}

function positionOf({ settled_at, channel_id, topic_id, message_id }: RecordRow): Position {
  return { time: settled_at, channel: channel_id, topic: topic_id, id: message_id };
}
