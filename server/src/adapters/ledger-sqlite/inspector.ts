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
  type ViewState,
} from '../../ports/inspector.js';
import type { RecordState } from '../../ports/ledger.js';
import { mergePages, type Walk } from '../../ports/merge-pages.js';
import { type Page, type PageAsk, type Position, SCAN_LIMIT } from '../../ports/page.js';
import type { Store } from '../sqlite/store.js';
import { Topics } from './topics.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
/** For a page of acked records without a filter, so many times its rows are looked at. */
const ACKED_SCANS = 2;
const FIRST: Position = { time: Number.MAX_SAFE_INTEGER - 1, channel: Number.MAX_SAFE_INTEGER, topic: 0, id: '' };

interface Row extends RecordView {
  readonly topicId: number;
  /** Of a lease, in the schedule. */
  readonly row?: number;
}

interface Found {
  readonly view: RecordView;
  readonly position: Position;
}

/** Looks into the data file. Acked records are by themselves: their index holds other final ones, too. */
export class SqliteInspector implements Inspector {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #statements: ReturnType<typeof statementsOf>;

  constructor(store: Store) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#statements = statementsOf(store);
  }

  async records(filter: RecordFilter, ask: PageAsk): Promise<Page<RecordView>> {
    return this.#store.read(UNAVAILABLE, () => {
      const topic = filter.topic === undefined ? undefined : this.#topics.find(filter.topic);
      if (filter.topic !== undefined && topic === undefined) return { rows: [], next: undefined };
      const walks = filter.states.map((state) => this.#walk(state, filter, topic, ask));
      return mergePages(walks, ask.limit, positionOf);
    });
  }

  async recordsAt(id: string, places: readonly Place[]): Promise<RecordView[]> {
    return this.#store.read(UNAVAILABLE, () =>
      places.flatMap(({ channel, topic }) => {
        const number = this.#topics.find(topic);
        if (number === undefined) return [];
        const record = this.#statements.record.get(channel, number, id);
        const waits = channel === 0 ? this.#statements.waiting.get(number, id) : undefined;
        return [...(waits === undefined ? [] : [waits]), ...(record === undefined ? [] : [record])];
      }),
    );
  }

  async recordsBy(term: SearchTerm, filter: TermFilter, ask: PageAsk): Promise<Page<RecordView>> {
    return this.#store.read(UNAVAILABLE, () => {
      const topic = filter.topic === undefined ? undefined : this.#topics.find(filter.topic);
      if (filter.topic !== undefined && topic === undefined) return { rows: [], next: undefined };
      const { name, value } = term;
      const { time, channel, topic: topicId, id } = ask.from ?? FIRST;
      const range = [name, value, time, channel, topicId, id] as const;
      const wanted = filter.channels === undefined ? null : JSON.stringify(filter.channels);
      const rows: Found[] = [];
      for (const key of this.#statements.term.walk.all(...range, SCAN_LIMIT, topic ?? null, wanted)) {
        // Of what waits for its topic and has a record of an earlier time, what waits.
        const waits = key.channel === 0 ? this.#statements.waiting.get(key.topic, key.id) : undefined;
        const view = waits ?? this.#statements.record.get(key.channel, key.topic, key.id);
        if (view !== undefined && fits(filter, view)) rows.push({ view, position: key });
        if (rows.length > ask.limit) break;
      }
      const stopped = rows.length > ask.limit ? undefined : this.#statements.term.stop.get(...range, SCAN_LIMIT - 1);
      const page = mergePages([{ rows, stopped }], ask.limit, ({ position }) => position);
      return { rows: page.rows.map(({ view }) => view), next: page.next };
    });
  }

  async parked(topic: string, { limit, from = FIRST }: PageAsk): Promise<Page<RecordView>> {
    return this.#store.read(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return { rows: [], next: undefined };
      // Of one time, the later row.
      const last = from === FIRST ? Number.MAX_SAFE_INTEGER : from.topic;
      const rows = this.#statements.parked.all(number, from.time, last, limit + 1);
      return mergePages([{ rows, stopped: undefined }], limit, ({ acceptedAt, row }) => {
        return { time: acceptedAt, channel: 0, topic: row, id: '' };
      });
    });
  }

  async attempts(channel: ChannelId | 0, topic: string, id: string): Promise<AttemptView[]> {
    return this.#store.read(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      return number === undefined ? [] : this.#statements.attempts.all(channel, number, id);
    });
  }

  async holders(topic: string, id: string, channels: readonly (ChannelId | 0)[]): Promise<(ChannelId | 0)[]> {
    return this.#store.read(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return [];
      return channels
        .filter((channel) => this.#statements.held.get(channel, number, id) !== undefined)
        .sort((a, b) => a - b);
    });
  }

  async wire(topic: string, id: string, channel: ChannelId | 0): Promise<Uint8Array | undefined> {
    return this.#store.read(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      return number === undefined ? undefined : this.#statements.wire.get(channel, number, id)?.wire;
    });
  }

  async topics(limit: number): Promise<string[]> {
    return this.#store.read(UNAVAILABLE, () => this.#statements.topics.all(limit).map(({ name }) => name));
  }

  async knowsTopic(topic: string): Promise<boolean> {
    return this.#store.read(UNAVAILABLE, () => this.#topics.find(topic) !== undefined);
  }

  #walk(state: RecordState, filter: RecordFilter, topic: number | undefined, ask: PageAsk): Walk<Row> {
    if (state === 'leased') return this.#walkLeased(filter, topic, ask);
    const { walk, stop } = state === 'acked' ? this.#statements.acked : this.#statements.others;
    const { time, channel, topic: topicId, id } = ask.from ?? FIRST;
    // The bound that the row values imply, since SQLite reads the range by plain columns only.
    const most = Math.min(filter.before || Number.MAX_SAFE_INTEGER, time + 1);
    const range = [state, filter.after, most, time, channel, topicId, id] as const;
    const wanted = filter.channels === undefined ? null : JSON.stringify(filter.channels);
    const filtered = topic !== undefined || wanted !== null;
    // Among the acked are a few others, which are left out: without a filter, little more than the page is looked through.
    const some = state === 'acked' ? ACKED_SCANS * (ask.limit + 1) : ask.limit + 1;
    const scan = filtered ? SCAN_LIMIT : some;
    const rows = walk.all(...range, scan, topic ?? null, wanted, ask.limit + 1);
    const stopped = rows.length <= ask.limit ? stop.get(...range, scan - 1) : undefined;
    return { rows, stopped };
  }

  /** By the schedule's index: leases come and go with every pull, and another index would cost each. */
  #walkLeased(filter: RecordFilter, topic: number | undefined, { limit, from }: PageAsk): Walk<Row> {
    if (filter.after > 0) return { rows: [], stopped: undefined };
    const { walk, stop } = this.#statements.leased;
    const { channel: deadline, topic: row } = from === undefined || from.time > 0 ? FIRST : from;
    const wanted = filter.channels === undefined ? null : JSON.stringify(filter.channels);
    const scan = topic !== undefined || wanted !== null ? SCAN_LIMIT : limit + 1;
    const rows = walk.all(deadline, row, scan, topic ?? null, wanted, limit + 1);
    const stopped = rows.length <= limit ? stop.get(deadline, row, scan - 1) : undefined;
    return { rows, stopped: stopped && leaseAt(stopped.deadline, stopped.row) };
  }
}

function positionOf({ settledAt, channel, topicId, id, row, dueAt }: Row): Position {
  if (row !== undefined) return leaseAt(dueAt, row);
  return { time: settledAt, channel, topic: topicId, id };
}

/** A lease has no time of settling, and comes before all others without one: no channel's number is as high as a time. */
function leaseAt(deadline: number, row: number): Position {
  return { time: 0, channel: deadline, topic: row, id: '' };
}

function statementsOf(store: Store) {
  const view = `d.channel_id AS channel, t.name AS topic, d.topic_id AS topicId, d.message_id AS id, d.state, d.attempt, d.consumer,
    d.accepted_at AS acceptedAt, d.delivered_at AS deliveredAt, d.settled_at AS settledAt, coalesce(s.due_at, 0) AS dueAt, d.reason,
    coalesce(n.name, '') AS node, coalesce(k.value, '') AS key`;
  const joins = `JOIN topics t ON t.id = d.topic_id
    LEFT JOIN schedule s ON d.state IN ('retry', 'leased')
      AND s.channel_id = d.channel_id AND s.topic_id = d.topic_id AND s.message_id = d.message_id
    LEFT JOIN nodes n ON n.id = d.node_id
    LEFT JOIN terms k ON k.channel_id = d.channel_id AND k.topic_id = d.topic_id AND k.message_id = d.message_id AND k.name = ''`;
  // Row values are compared along the index's own columns, so the walk begins where the page before ended.
  const range = `settled_at >= ?2 AND settled_at < ?3 AND (settled_at, channel_id, topic_id, message_id) < (?4, ?5, ?6, ?7)
    ORDER BY settled_at DESC, channel_id DESC, topic_id DESC, message_id DESC`;
  /** `stateOf` is a column, or what the index tells without looking at the row. */
  const walkOf = (index: string, condition: string, stateOf: string) => {
    const found = `FROM deliveries INDEXED BY ${index} WHERE ${condition} AND ${range}`;
    return {
      walk: store.prepare<Row>(
        `SELECT ${view} FROM (
           SELECT * FROM (SELECT channel_id, topic_id, message_id, settled_at, ${stateOf} AS state ${found} LIMIT ?8)
           WHERE state = ?1 AND (?9 IS NULL OR topic_id = ?9)
             AND (?10 IS NULL OR channel_id IN (SELECT value FROM json_each(?10)))
           ORDER BY settled_at DESC, channel_id DESC, topic_id DESC, message_id DESC LIMIT ?11
         ) f
         JOIN deliveries d ON d.channel_id = f.channel_id AND d.topic_id = f.topic_id AND d.message_id = f.message_id
         ${joins}
         ORDER BY f.settled_at DESC, f.channel_id DESC, f.topic_id DESC, f.message_id DESC`,
      ),
      stop: store.prepare<Position>(
        `SELECT settled_at AS time, channel_id AS channel, topic_id AS topic, message_id AS id ${found} LIMIT 1 OFFSET ?8`,
      ),
    };
  };
  const waiting = `0 AS channel, t.name AS topic, s.message_id AS id, iif(s.state = 'claimed', s.claimed_from, s.state) AS state,
      0 AS attempt, '' AS consumer, s.accepted_at AS acceptedAt, 0 AS deliveredAt, 0 AS settledAt, s.due_at AS dueAt,
      '' AS reason, '' AS node, coalesce(k.value, '') AS key
    FROM schedule s JOIN topics t ON t.id = s.topic_id
    LEFT JOIN terms k ON k.channel_id = s.channel_id AND k.topic_id = s.topic_id AND k.message_id = s.message_id AND k.name = ''`;
  const terms = `FROM terms INDEXED BY terms_by_value WHERE name = ?1 AND value = ?2
    AND accepted_at <= ?3 AND (accepted_at, channel_id, topic_id, message_id) < (?3, ?4, ?5, ?6)
    ORDER BY accepted_at DESC, channel_id DESC, topic_id DESC, message_id DESC`;
  const leases = `FROM schedule INDEXED BY schedule_leased WHERE state = 'leased' AND (due_at, rowid) < (?1, ?2)
    ORDER BY due_at DESC, rowid DESC`;
  return {
    leased: {
      walk: store.prepare<Row & { readonly row: number }>(
        `SELECT ${view}, f.row FROM (SELECT rowid AS row, due_at, channel_id, topic_id, message_id ${leases} LIMIT ?3) f
         JOIN deliveries d ON d.channel_id = f.channel_id AND d.topic_id = f.topic_id AND d.message_id = f.message_id
         ${joins}
         WHERE (?4 IS NULL OR f.topic_id = ?4) AND (?5 IS NULL OR f.channel_id IN (SELECT value FROM json_each(?5)))
         ORDER BY f.due_at DESC, f.row DESC LIMIT ?6`,
      ),
      stop: store.prepare<{ readonly deadline: number; readonly row: number }>(
        `SELECT due_at AS deadline, rowid AS row ${leases} LIMIT 1 OFFSET ?3`,
      ),
    },
    acked: walkOf('deliveries_final', `?1 = 'acked' AND state IN ('acked', 'expired', 'cancelled')`, 'state'),
    others: walkOf('deliveries_by_state', `state = ?1 AND state NOT IN ('acked', 'leased')`, '?1'),
    record: store.prepare<RecordView>(
      `SELECT ${view} FROM deliveries d ${joins} WHERE d.channel_id = ? AND d.topic_id = ? AND d.message_id = ?`,
    ),
    waiting: store.prepare<RecordView & { readonly state: ViewState }>(
      `SELECT ${waiting} WHERE s.channel_id = 0 AND s.topic_id = ? AND s.message_id = ?`,
    ),
    parked: store.prepare<RecordView & { readonly row: number }>(
      `SELECT s.rowid AS row, ${waiting} WHERE s.rowid IN (
         SELECT rowid FROM schedule INDEXED BY schedule_parked
         WHERE state = 'parked' AND topic_id = ?1 AND accepted_at <= ?2 AND (accepted_at, rowid) < (?2, ?3)
         ORDER BY accepted_at DESC, rowid DESC LIMIT ?4
       ) ORDER BY s.accepted_at DESC, s.rowid DESC`,
    ),
    attempts: store.prepare<AttemptView>(
      `SELECT attempt, outcome, consumer, delivered_at AS deliveredAt, settled_at AS settledAt, reason,
         coalesce(n.name, '') AS node
       FROM attempts LEFT JOIN nodes n ON n.id = node_id
       WHERE channel_id = ? AND topic_id = ? AND message_id = ? ORDER BY attempt`,
    ),
    held: store.prepare('SELECT 1 FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ?'),
    wire: store.prepare<{ readonly wire: Uint8Array }>(
      'SELECT wire FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ?',
    ),
    term: {
      walk: store.prepare<Position>(
        `SELECT * FROM (
           SELECT accepted_at AS time, channel_id AS channel, topic_id AS topic, message_id AS id ${terms} LIMIT ?7
         ) WHERE (?8 IS NULL OR topic = ?8) AND (?9 IS NULL OR channel IN (SELECT value FROM json_each(?9)))
         ORDER BY time DESC, channel DESC, topic DESC, id DESC`,
      ),
      stop: store.prepare<Position>(
        `SELECT accepted_at AS time, channel_id AS channel, topic_id AS topic, message_id AS id ${terms} LIMIT 1 OFFSET ?7`,
      ),
    },
    topics: store.prepare<{ readonly name: string }>('SELECT name FROM topics LIMIT ?'),
  };
}
