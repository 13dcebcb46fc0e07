import type { RowDataPacket } from 'mysql2/promise';
import type { CronBook, CronDraft, CronEntry, CronMissed, CronReading, CronTick, CronTicks } from '../../ports/cron.js';
import type { MysqlConnection } from './connection.js';
import { DUPLICATE_ENTRY, errorNumber } from './errors.js';
import { inTransaction, type Session } from './session.js';
import { keyed } from './statements/keys.js';
import { asciiLiteral, bytesLiteral, textLiteral } from './statements/literals.js';
import { addMissing } from './statements/schedule.js';
import { writeTerms } from './statements/terms.js';
import { Topics } from './topics.js';

const MISSED_CODE: Readonly<Record<CronMissed, number>> = { once: 0, skip: 1 };
const COLUMNS = `id, name, topic, expression, time_zone, missed, paused, created_at, updated_at, next_at, last_at,
  last_message_id, wire`;
const NAME_LENGTH = 64;
const EXPRESSION_LENGTH = 128;

/** The entries, in the table `cron`. */
export class MysqlCronBook implements CronBook {
  constructor(private readonly connection: MysqlConnection) {}

  async add(
    name: string,
    draft: CronDraft,
    { paused, now }: { readonly paused: boolean; readonly now: number },
  ): Promise<CronEntry | undefined> {
    const { topic, expression, zone, missed, wire, nextAt } = draft;
    const names = [asciiLiteral(name), asciiLiteral(topic), expressionLiteral(expression), zoneLiteral(zone)];
    const times = [now, now, timeLiteral(paused ? undefined : nextAt), 0, `''`];
    const values = [...names, MISSED_CODE[missed], paused ? 1 : 0, ...times, bytesLiteral(wire)];
    try {
      await this.#run(
        `INSERT INTO cron (name, topic, expression, time_zone, missed, paused, created_at, updated_at, next_at, last_at,
           last_message_id, wire) VALUES (${values.join(',')})`,
      );
    } catch (error) {
      if (errorNumber(error) === DUPLICATE_ENTRY) return undefined;
      throw error;
    }
    return this.find(name);
  }

  async replace(name: string, draft: CronDraft, now: number): Promise<CronEntry | undefined> {
    const { topic, expression, zone, missed, wire, nextAt } = draft;
    await this.#run(
      `UPDATE cron SET topic = ${asciiLiteral(topic)}, expression = ${expressionLiteral(expression)},
         time_zone = ${zoneLiteral(zone)}, missed = ${MISSED_CODE[missed]}, updated_at = ${now},
         next_at = IF(paused, NULL, ${timeLiteral(nextAt)}), wire = ${bytesLiteral(wire)}
       WHERE name = ${asciiLiteral(name)}`,
    );
    return this.find(name);
  }

  async pause(name: string, paused: boolean, nextAt: number | undefined, now: number): Promise<CronEntry | undefined> {
    await this.#run(
      `UPDATE cron SET paused = ${paused ? 1 : 0}, next_at = ${timeLiteral(nextAt)}, updated_at = ${now}
       WHERE name = ${asciiLiteral(name)}`,
    );
    return this.find(name);
  }

  async find(name: string): Promise<CronEntry | undefined> {
    const [row] = await this.#rows(`SELECT ${COLUMNS} FROM cron WHERE name = ${asciiLiteral(name)}`);
    return row && entryOf(row);
  }

  async list(
    { topic, prefix, after }: { readonly topic: string; readonly prefix: string; readonly after: string },
    limit: number,
  ): Promise<CronEntry[]> {
    const index = topic === '' ? 'cron_name' : 'cron_topic';
    const ofTopic = topic === '' ? 'TRUE' : `topic = ${asciiLiteral(topic)}`;
    const behind = after === '' ? 'TRUE' : `name > ${asciiLiteral(after)}`;
    const rows = await this.#rows(
      `SELECT ${COLUMNS} FROM cron FORCE INDEX (${index})
       WHERE ${ofTopic} AND ${behind} AND ${beginsWith(prefix)} ORDER BY name LIMIT ${limit}`,
    );
    return rows.map(entryOf);
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#run(`DELETE FROM cron WHERE name = ${asciiLiteral(name)}`)) > 0;
  }

  async countOf(topic: string): Promise<number> {
    const rows = await this.connection.once((session) =>
      session.rows<{ readonly entries: number } & RowDataPacket>(
        `SELECT COUNT(*) AS entries FROM cron WHERE topic = ${asciiLiteral(topic)}`,
      ),
    );
    return rows[0]?.entries ?? 0;
  }

  removeOf(topic: string): Promise<number> {
    return this.#run(`DELETE FROM cron WHERE topic = ${asciiLiteral(topic)}`);
  }

  #rows(sql: string): Promise<CronRow[]> {
    return this.connection.once((session) => session.rows<CronRow>(sql));
  }

  async #run(sql: string): Promise<number> {
    return (await this.connection.once((session) => session.run(sql))).affectedRows;
  }
}

/** The entries' ticks, in the same table; the message goes to the schedule's. */
export class MysqlCronTicks implements CronTicks {
  readonly #topics = new Topics();

  constructor(private readonly connection: MysqlConnection) {}

  async due(now: number, limit: number, except: readonly CronReading[] = []): Promise<CronEntry[]> {
    const rows = await this.connection.once((session) =>
      session.rows<CronRow>(
        `SELECT ${COLUMNS} FROM cron FORCE INDEX (cron_next)
         WHERE next_at <= ${now} AND ${isNoneOf(except)} ORDER BY next_at LIMIT ${limit}`,
      ),
    );
    return rows.map(entryOf);
  }

  async next(except: readonly CronReading[] = []): Promise<number | undefined> {
    const rows = await this.connection.once((session) =>
      session.rows<{ readonly at: number } & RowDataPacket>(
        `SELECT next_at AS at FROM cron FORCE INDEX (cron_next)
         WHERE next_at IS NOT NULL AND ${isNoneOf(except)} ORDER BY next_at LIMIT 1`,
      ),
    );
    return rows[0]?.at;
  }

  async fire(entry: CronEntry, { at, message, terms, nextAt }: CronTick): Promise<boolean> {
    const [topicId = 0] = await this.#topics.numbers([message.topic], (work) => this.connection.once(work));
    const { id, acceptedAt, expiresAt, wire } = message;
    const key = keyed(0, topicId, id);
    const waits = { state: 'delayed', attempt: 0, nonce: 0, time: at, reason: undefined } as const;
    return this.connection.once(
      inTransaction(async (session) => {
        if (!(await move(session, entry, nextAt, `, last_at = ${at}, last_message_id = ${asciiLiteral(id)}`)))
          return false;
        await addMissing(session, [{ ...key, ...waits, acceptedAt, expiresAt, wire }]);
        await writeTerms(session, [{ ...key, acceptedAt, terms }]);
        return true;
      }),
    );
  }

  skip(entry: CronEntry, nextAt: number | undefined): Promise<boolean> {
    return this.connection.once((session) => move(session, entry, nextAt));
  }
}

function isNoneOf(readings: readonly CronReading[]): string {
  if (readings.length === 0) return 'TRUE';
  return `(id, updated_at) NOT IN (${readings.map(({ number, updatedAt }) => `(${number},${updatedAt})`).join(',')})`;
}

/** From the tick that it stands at, and as it was read: whoever changed it meanwhile was first. */
async function move(session: Session, entry: CronEntry, nextAt: number | undefined, also = ''): Promise<boolean> {
  const { affectedRows } = await session.run(
    `UPDATE cron SET next_at = ${timeLiteral(nextAt)}${also}
     WHERE id = ${entry.number} AND next_at = ${entry.nextAt ?? 0} AND updated_at = ${entry.updatedAt}`,
  );
  return affectedRows > 0;
}

interface CronRow extends RowDataPacket {
  readonly id: number;
  readonly name: string;
  readonly topic: string;
  readonly expression: string;
  readonly time_zone: string;
  readonly missed: number;
  readonly paused: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly next_at: number | null;
  readonly last_at: number;
  readonly last_message_id: string;
  readonly wire: Buffer;
}

function entryOf(row: CronRow): CronEntry {
  return {
    number: row.id,
    name: row.name,
    topic: row.topic,
    expression: row.expression,
    zone: row.time_zone,
    missed: row.missed === MISSED_CODE.skip ? 'skip' : 'once',
    paused: row.paused === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    nextAt: row.next_at ?? undefined,
    lastAt: row.last_at,
    lastId: row.last_message_id,
    wire: row.wire,
  };
}

/** Names have no character that follows `~`. */
function beginsWith(prefix: string): string {
  if (prefix === '') return 'TRUE';
  const from = textLiteral(prefix, NAME_LENGTH);
  return `name >= ${from} AND name < ${textLiteral(`${prefix}~`, NAME_LENGTH + 1)}`;
}

function expressionLiteral(expression: string): string {
  return textLiteral(expression, EXPRESSION_LENGTH);
}

function zoneLiteral(zone: string): string {
  return textLiteral(zone, NAME_LENGTH);
}

function timeLiteral(time: number | undefined): string {
  return time === undefined ? 'NULL' : String(time);
}
