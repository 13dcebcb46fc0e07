import type { ChannelId } from '../../model/channel.js';
import type {
  Backlogs,
  ChannelCounts,
  DeadFilter,
  DeadView,
  HeldKey,
  LedgerCounts,
  ScheduledView,
  WaitFilter,
} from '../../ports/backlogs.js';
import { NO_COUNTS } from '../../ports/backlogs.js';
import { mergePages } from '../../ports/merge-pages.js';
import { COUNT_LIMIT, fitting, type Page, type PageAsk, type Position, SCAN_LIMIT } from '../../ports/page.js';
import type { Store } from '../sqlite/store.js';
import { Topics } from './topics.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
const NOTHING = { rows: [], next: undefined } as const;
const FIRST: Position = { time: Number.MAX_SAFE_INTEGER - 1, channel: Number.MAX_SAFE_INTEGER, topic: 0, id: '' };

/** A message as it is found; its body follows once it is known to fit. */
interface Sized {
  readonly topicId: number;
  readonly bytes: number;
}

interface ScheduledRow extends Omit<ScheduledView, 'wire'>, Sized {
  readonly row: number;
}

type DeadRow = Omit<DeadView, 'wire'> & Sized;

interface Count {
  readonly channel: ChannelId;
  readonly count: number;
}

interface StateCount {
  readonly state: string;
  readonly count: number;
}

/** Looks into the schedule in the data file. */
export class SqliteBacklogs implements Backlogs {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #statements: ReturnType<typeof statementsOf>;

  constructor(store: Store) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#statements = statementsOf(store);
  }

  /** The position's `channel` is the row: the index goes by due time and row. */
  async scheduled(filter: WaitFilter, ask: PageAsk): Promise<Page<ScheduledView>> {
    return this.#store.read(UNAVAILABLE, () => {
      const topic = this.#number(filter.topic);
      if (topic === 'unknown') return NOTHING;
      const { walk, stop } = this.#statements.scheduled;
      const { time, channel: row } = ask.from ?? { time: 0, channel: 0 };
      // The bound that the row values imply, since SQLite reads the range by plain columns only.
      const range = [Math.max(filter.after, time), filter.before || Number.MAX_SAFE_INTEGER, time, row];
      const scan = topic === null && filter.channels === undefined ? ask.limit + 1 : SCAN_LIMIT;
      const rows = walk.all(...range, scan, topic, listOf(filter.channels), ask.limit + 1);
      const limit = fitting(rows, ask.limit);
      if (rows.length > limit) {
        const last = rows[limit - 1];
        return { rows: this.#whole(rows.slice(0, limit)), next: last && at(last.dueAt, last.row) };
      }
      const stopped = stop.get(...range, scan - 1);
      return { rows: this.#whole(rows), next: stopped && at(stopped.time, stopped.row) };
    });
  }

  async dead(filter: DeadFilter, ask: PageAsk): Promise<Page<DeadView>> {
    return this.#store.read(UNAVAILABLE, () => {
      const topic = this.#number(filter.topic);
      if (topic === 'unknown') return NOTHING;
      const { time, channel, topic: topicId, id } = ask.from ?? FIRST;
      const most = Math.min(filter.before || Number.MAX_SAFE_INTEGER, time + 1);
      const times = [filter.after, most, time, channel, topicId, id] as const;
      const wanted = [listOf(filter.channels), filter.reason] as const;
      if (filter.ids !== undefined) {
        const rows = this.#statements.deadByIds.all(
          ...times,
          topic,
          JSON.stringify(filter.ids),
          ...wanted,
          ask.limit + 1,
        );
        return this.#deadPage(rows, undefined, ask);
      }
      const filtered = topic !== null || filter.channels !== undefined || filter.reason !== '';
      const scan = filtered ? SCAN_LIMIT : ask.limit + 1;
      const rows = this.#statements.dead.all(...times, scan, topic, ...wanted, ask.limit + 1);
      const stopped = rows.length <= ask.limit ? this.#statements.deadStop.get(...times, scan - 1) : undefined;
      return this.#deadPage(rows, stopped, ask);
    });
  }

  #deadPage(rows: readonly DeadRow[], stopped: Position | undefined, ask: PageAsk): Page<DeadView> {
    const page = mergePages([{ rows, stopped }], fitting(rows, ask.limit), positionOf);
    return { rows: this.#whole(page.rows), next: page.next };
  }

  #whole<Row extends Sized & HeldKey>(rows: readonly Row[]): (Row & { readonly wire: Uint8Array })[] {
    return rows.flatMap((row) => {
      const held = this.#statements.wire.get(row.channel, row.topicId, row.id);
      return held === undefined ? [] : [{ ...row, wire: held.wire }];
    });
  }

  async counts(): Promise<LedgerCounts> {
    return this.#store.read(UNAVAILABLE, () => {
      const leased = this.#statements.leased.all(COUNT_LIMIT);
      const waits = this.#statements.waits.all(COUNT_LIMIT);
      const dead = this.#statements.deadCounts.all(COUNT_LIMIT);
      const parked = this.#statements.parked.get(COUNT_LIMIT)?.count ?? 0;
      const channels = new Map<ChannelId, ChannelCounts>();
      const note = (counts: readonly Count[], kind: keyof ChannelCounts) => {
        for (const { channel, count } of counts) {
          channels.set(channel, { ...(channels.get(channel) ?? NO_COUNTS), [kind]: count });
        }
      };
      note(leased, 'leased');
      note(waits, 'retry');
      note(dead, 'dead');
      const sums = [leased, waits, dead].map((counts) => counts.reduce((sum, { count }) => sum + count, 0));
      const more = [...sums, parked].some((sum) => sum >= COUNT_LIMIT);
      return { channels, scheduled: sums[1] ?? 0, parked, dead: sums[2] ?? 0, more };
    });
  }

  async holding(channel: ChannelId): Promise<ChannelCounts> {
    return this.#store.read(UNAVAILABLE, () => {
      const rows = this.#statements.holding.all(channel, COUNT_LIMIT);
      const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
      return { leased: of('leased'), retry: of('retry'), dead: of('dead') };
    });
  }

  async waiting(topic: string): Promise<{ readonly delayed: number; readonly parked: number }> {
    return this.#store.read(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      const rows = number === undefined ? [] : this.#statements.waiting.all(number, COUNT_LIMIT);
      const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
      return { delayed: of('delayed'), parked: of('parked') };
    });
  }

  async parkedTopics(limit: number): Promise<string[]> {
    return this.#store.read(UNAVAILABLE, () => this.#statements.parkedTopics.all(limit).map(({ name }) => name));
  }

  /** Null: any topic. */
  #number(topic: string | undefined): number | null | 'unknown' {
    return topic === undefined ? null : (this.#topics.find(topic) ?? 'unknown');
  }
}

function listOf(channels: readonly (ChannelId | 0)[] | undefined): string | null {
  return channels === undefined ? null : JSON.stringify(channels);
}

function at(time: number, row: number): Position {
  return { time, channel: row, topic: 0, id: '' };
}

function positionOf({ diedAt, channel, topicId, id }: DeadRow): Position {
  return { time: diedAt, channel, topic: topicId, id };
}

function statementsOf(store: Store) {
  const due = `FROM schedule INDEXED BY schedule_due
    WHERE state IN ('delayed', 'retry') AND due_at >= ?1 AND due_at < ?2 AND (due_at, rowid) > (?3, ?4) ORDER BY due_at, rowid`;
  const died = `FROM deliveries INDEXED BY deliveries_by_state
    WHERE state = 'dead' AND state NOT IN ('acked', 'leased') AND settled_at >= ?1 AND settled_at < ?2
      AND (settled_at, channel_id, topic_id, message_id) < (?3, ?4, ?5, ?6)
    ORDER BY settled_at DESC, channel_id DESC, topic_id DESC, message_id DESC`;
  const letter = `d.channel_id AS channel, t.name AS topic, d.topic_id AS topicId, d.message_id AS id, d.attempt, d.consumer,
    d.accepted_at AS acceptedAt, d.settled_at AS diedAt, d.reason, length(s.wire) AS bytes`;
  const joins = `JOIN topics t ON t.id = d.topic_id
    JOIN schedule s ON s.channel_id = d.channel_id AND s.topic_id = d.topic_id AND s.message_id = d.message_id`;
  const order = 'ORDER BY d.settled_at DESC, d.channel_id DESC, d.topic_id DESC, d.message_id DESC';
  const byState = (whose: string) => `SELECT state, count(*) AS count FROM (
      SELECT iif(state = 'claimed', claimed_from, state) AS state FROM schedule WHERE ${whose} LIMIT ?
    ) GROUP BY state`;
  const counted = (rows: string) => `SELECT channel_id AS channel, count(*) AS count FROM (${rows} LIMIT ?) GROUP BY 1`;
  return {
    scheduled: {
      walk: store.prepare<ScheduledRow>(
        `SELECT s.rowid AS row, s.channel_id AS channel, t.name AS topic, s.topic_id AS topicId, s.message_id AS id, s.attempt,
           s.accepted_at AS acceptedAt, s.due_at AS dueAt, s.reason, length(s.wire) AS bytes
         FROM (SELECT rowid AS row, due_at, topic_id, channel_id ${due} LIMIT ?5) f
         JOIN schedule s ON s.rowid = f.row JOIN topics t ON t.id = f.topic_id
         WHERE (?6 IS NULL OR f.topic_id = ?6) AND (?7 IS NULL OR f.channel_id IN (SELECT value FROM json_each(?7)))
         ORDER BY f.due_at, f.row LIMIT ?8`,
      ),
      stop: store.prepare<{ readonly time: number; readonly row: number }>(
        `SELECT due_at AS time, rowid AS row ${due} LIMIT 1 OFFSET ?5`,
      ),
    },
    dead: store.prepare<DeadRow>(
      `SELECT ${letter} FROM (
         SELECT f.* FROM (SELECT channel_id, topic_id, message_id, settled_at ${died} LIMIT ?7) f
         JOIN deliveries r ON r.channel_id = f.channel_id AND r.topic_id = f.topic_id AND r.message_id = f.message_id
         WHERE (?8 IS NULL OR f.topic_id = ?8) AND (?9 IS NULL OR f.channel_id IN (SELECT value FROM json_each(?9)))
           AND (?10 = '' OR instr(lower(r.reason), lower(?10)) > 0)
         ORDER BY f.settled_at DESC, f.channel_id DESC, f.topic_id DESC, f.message_id DESC LIMIT ?11
       ) f
       JOIN deliveries d ON d.channel_id = f.channel_id AND d.topic_id = f.topic_id AND d.message_id = f.message_id ${joins}
       ${order}`,
    ),
    deadStop: store.prepare<Position>(
      `SELECT settled_at AS time, channel_id AS channel, topic_id AS topic, message_id AS id ${died} LIMIT 1 OFFSET ?7`,
    ),
    deadByIds: store.prepare<DeadRow>(
      `SELECT ${letter} FROM json_each(?9) c CROSS JOIN json_each(?8) i
       CROSS JOIN deliveries d ON d.channel_id = c.value AND d.topic_id = ?7 AND d.message_id = i.value ${joins}
       WHERE d.state = 'dead' AND d.settled_at >= ?1 AND d.settled_at < ?2
         AND (d.settled_at, d.channel_id, d.topic_id, d.message_id) < (?3, ?4, ?5, ?6)
         AND instr(lower(d.reason), lower(?10)) > 0 ${order} LIMIT ?11`,
    ),
    leased: store.prepare<Count>(
      counted(`SELECT channel_id FROM schedule INDEXED BY schedule_leased WHERE state = 'leased'`),
    ),
    waits: store.prepare<Count>(
      counted(`SELECT channel_id FROM schedule INDEXED BY schedule_due WHERE state IN ('delayed', 'retry')`),
    ),
    deadCounts: store.prepare<Count>(
      counted(
        `SELECT channel_id FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'dead' AND state NOT IN ('acked', 'leased')`,
      ),
    ),
    parked: store.prepare<{ readonly count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM schedule INDEXED BY schedule_parked WHERE state = 'parked' LIMIT ?)`,
    ),
    wire: store.prepare<{ readonly wire: Uint8Array }>(
      'SELECT wire FROM schedule WHERE channel_id = ? AND topic_id = ? AND message_id = ?',
    ),
    holding: store.prepare<StateCount>(byState('channel_id = ?')),
    waiting: store.prepare<StateCount>(byState('channel_id = 0 AND topic_id = ?')),
    // Goes from topic to topic instead of over all their messages.
    parkedTopics: store.prepare<{ readonly name: string }>(
      `WITH RECURSIVE parked (topic_id) AS (
         SELECT min(topic_id) FROM schedule WHERE state = 'parked'
         UNION ALL
         SELECT (SELECT min(s.topic_id) FROM schedule s WHERE s.state = 'parked' AND s.topic_id > parked.topic_id)
         FROM parked WHERE parked.topic_id IS NOT NULL
       )
       SELECT name FROM parked JOIN topics ON id = topic_id LIMIT ?`,
    ),
  };
}
