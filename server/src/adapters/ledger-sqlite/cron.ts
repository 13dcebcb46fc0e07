import type { CronBook, CronDraft, CronEntry, CronMissed, CronReading, CronTick, CronTicks } from '../../ports/cron.js';
import type { Store } from '../sqlite/store.js';
import { termsOf } from './terms.js';
import { Topics } from './topics.js';
import { waitingOf } from './waiting.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
const COLUMNS = `id AS number, name, topic, expression, time_zone AS zone, missed, paused, created_at AS createdAt,
  updated_at AS updatedAt, next_at AS nextAt, last_at AS lastAt, last_message_id AS lastId, wire`;
/** Names have no character that follows it. */
const LAST = '~';

interface Row extends Omit<CronEntry, 'paused' | 'nextAt'> {
  readonly missed: CronMissed;
  readonly paused: number;
  readonly nextAt: number | null;
}

/** The entries, in the data file. */
export class SqliteCronBook implements CronBook {
  readonly #store: Store;
  readonly #statements: ReturnType<typeof statementsOf>;

  constructor(store: Store) {
    this.#store = store;
    this.#statements = statementsOf(store);
  }

  add(
    name: string,
    draft: CronDraft,
    { paused, now }: { readonly paused: boolean; readonly now: number },
  ): Promise<CronEntry | undefined> {
    const { topic, expression, zone, missed, wire, nextAt } = draft;
    return this.#store.write(UNAVAILABLE, () => {
      const next = paused ? null : (nextAt ?? null);
      return entryOf(
        this.#statements.add.get(name, topic, expression, zone, missed, paused ? 1 : 0, now, now, next, wire),
      );
    });
  }

  replace(name: string, draft: CronDraft, now: number): Promise<CronEntry | undefined> {
    const { topic, expression, zone, missed, wire, nextAt } = draft;
    return this.#store.write(UNAVAILABLE, () =>
      entryOf(this.#statements.replace.get(topic, expression, zone, missed, now, nextAt ?? null, wire, name)),
    );
  }

  pause(name: string, paused: boolean, nextAt: number | undefined, now: number): Promise<CronEntry | undefined> {
    return this.#store.write(UNAVAILABLE, () =>
      entryOf(this.#statements.pause.get(paused ? 1 : 0, nextAt ?? null, now, name)),
    );
  }

  async find(name: string): Promise<CronEntry | undefined> {
    return this.#store.read(UNAVAILABLE, () => entryOf(this.#statements.find.get(name)));
  }

  async list(
    { topic, prefix, after }: { readonly topic: string; readonly prefix: string; readonly after: string },
    limit: number,
  ): Promise<CronEntry[]> {
    return this.#store.read(UNAVAILABLE, () => {
      const { all, ofTopic } = this.#statements.list;
      const range = [after, prefix, `${prefix}${LAST}`] as const;
      const rows = topic === '' ? all.all(...range, limit) : ofTopic.all(...range, limit, topic);
      return rows.flatMap((row) => entryOf(row) ?? []);
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#store.write(UNAVAILABLE, () => this.#statements.remove.run(name).changes > 0);
  }

  async countOf(topic: string): Promise<number> {
    return this.#store.read(UNAVAILABLE, () => this.#statements.countOf.get(topic)?.entries ?? 0);
  }

  removeOf(topic: string): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => this.#statements.removeOf.run(topic).changes);
  }
}

/** The entries' ticks, in the same table; the message goes to the schedule's. */
export class SqliteCronTicks implements CronTicks {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #waiting;
  readonly #terms;
  readonly #statements: ReturnType<typeof tickStatementsOf>;

  constructor(store: Store) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#waiting = waitingOf(store);
    this.#terms = termsOf(store);
    this.#statements = tickStatementsOf(store);
  }

  async due(now: number, limit: number, except: readonly CronReading[] = []): Promise<CronEntry[]> {
    return this.#store.read(UNAVAILABLE, () =>
      this.#statements.due.all(now, limit, listOf(except)).flatMap((row) => entryOf(row) ?? []),
    );
  }

  async next(except: readonly CronReading[] = []): Promise<number | undefined> {
    return this.#store.read(UNAVAILABLE, () => this.#statements.next.get(listOf(except))?.at);
  }

  fire(entry: CronEntry, { at, message, terms, nextAt }: CronTick): Promise<boolean> {
    return this.#store.write(UNAVAILABLE, () => {
      if (!this.#move(entry, nextAt, at, message.id)) return false;
      const topic = this.#topics.number(message.topic);
      if (this.#waiting.add(topic, message, at) && terms !== undefined) {
        this.#terms.put({ channel: 0, topic, id: message.id }, terms, message.acceptedAt);
      }
      return true;
    });
  }

  skip(entry: CronEntry, nextAt: number | undefined): Promise<boolean> {
    return this.#store.write(UNAVAILABLE, () => this.#move(entry, nextAt, entry.lastAt, entry.lastId));
  }

  /** From the tick that it stands at, and as it was read: whoever changed it meanwhile was first. */
  #move(entry: CronEntry, nextAt: number | undefined, lastAt: number, lastId: string): boolean {
    const at = entry.nextAt ?? null;
    return this.#statements.move.run(nextAt ?? null, lastAt, lastId, entry.number, at, entry.updatedAt).changes > 0;
  }
}

function listOf(readings: readonly CronReading[]): string {
  return JSON.stringify(readings.map(({ number, updatedAt }) => `${number}/${updatedAt}`));
}

function entryOf(row: Row | undefined): CronEntry | undefined {
  return row && { ...row, paused: row.paused === 1, nextAt: row.nextAt ?? undefined };
}

function statementsOf(store: Store) {
  const wanted = 'name > ?1 AND name >= ?2 AND name < ?3';
  return {
    add: store.prepare<Row>(
      `INSERT INTO cron (name, topic, expression, time_zone, missed, paused, created_at, updated_at, next_at, last_at,
         last_message_id, wire) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?)
       ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`,
    ),
    replace: store.prepare<Row>(
      `UPDATE cron SET topic = ?, expression = ?, time_zone = ?, missed = ?, updated_at = ?,
         next_at = iif(paused = 1, NULL, ?), wire = ? WHERE name = ? RETURNING ${COLUMNS}`,
    ),
    pause: store.prepare<Row>(
      `UPDATE cron SET paused = ?, next_at = ?, updated_at = ? WHERE name = ? RETURNING ${COLUMNS}`,
    ),
    find: store.prepare<Row>(`SELECT ${COLUMNS} FROM cron WHERE name = ?`),
    list: {
      all: store.prepare<Row>(`SELECT ${COLUMNS} FROM cron WHERE ${wanted} ORDER BY name LIMIT ?4`),
      ofTopic: store.prepare<Row>(
        `SELECT ${COLUMNS} FROM cron INDEXED BY cron_topic WHERE topic = ?5 AND ${wanted} ORDER BY name LIMIT ?4`,
      ),
    },
    remove: store.prepare('DELETE FROM cron WHERE name = ?'),
    countOf: store.prepare<{ readonly entries: number }>('SELECT count(*) AS entries FROM cron WHERE topic = ?'),
    removeOf: store.prepare('DELETE FROM cron WHERE topic = ?'),
  };
}

function tickStatementsOf(store: Store) {
  const isNoneOf = (list: string) => `id || '/' || updated_at NOT IN (SELECT value FROM json_each(${list}))`;
  return {
    due: store.prepare<Row>(
      `SELECT ${COLUMNS} FROM cron INDEXED BY cron_next
       WHERE next_at IS NOT NULL AND next_at <= ?1 AND ${isNoneOf('?3')} ORDER BY next_at LIMIT ?2`,
    ),
    next: store.prepare<{ readonly at: number }>(
      `SELECT next_at AS at FROM cron INDEXED BY cron_next
       WHERE next_at IS NOT NULL AND ${isNoneOf('?1')} ORDER BY next_at LIMIT 1`,
    ),
    move: store.prepare(
      'UPDATE cron SET next_at = ?, last_at = ?, last_message_id = ? WHERE id = ? AND next_at = ? AND updated_at = ?',
    ),
  };
}
