import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { MysqlBacklogs } from '../../../server/src/adapters/ledger-mysql/backlogs.js';
import { MysqlConnection } from '../../../server/src/adapters/ledger-mysql/connection.js';
import { MysqlInspector } from '../../../server/src/adapters/ledger-mysql/inspector.js';
import { MysqlSchedule } from '../../../server/src/adapters/ledger-mysql/schedule.js';
import type { Session } from '../../../server/src/adapters/ledger-mysql/session.js';
import type { ChannelId } from '../../../server/src/model/channel.js';
import { KEY_TERM } from '../../../server/src/model/search-term.js';
import { silentLogger } from '../../../server/src/ports/logger.js';
import type { Subject } from '../watch.js';
import { type Filled, keyOf, messageId, topicName } from './fill.js';

const START = { limit: 100, from: undefined };
const HOUR_MS = 3_600_000;

/** How the server reads one table of a statement. */
export interface Plan {
  readonly search: string;
  readonly table: string;
  readonly type: string;
  readonly key: string;
  readonly rows: string;
  readonly extra: string;
}

/** What the ledger's own statements do, as EXPLAIN says. */
export async function explain(subject: Subject, filled: Filled): Promise<Plan[]> {
  const url = new URL(subject.databaseUrl);
  const connection = new Listening({
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    logger: silentLogger,
  });
  const database = await createConnection(subject.databaseUrl);
  const inspector = new MysqlInspector(connection);
  const backlogs = new MysqlBacklogs(connection);
  const schedule = new MysqlSchedule(connection);
  const n = Math.floor(filled.perTopic / 2);
  const at = filled.settledAt(n);
  const window = { topic: topicName(0), channels: undefined, after: at - HOUR_MS, before: at };
  const plans: Plan[] = [];
  try {
    await connection.start();
    const id = messageId(0, n);
    const [channels] = await database.query<({ readonly channel: ChannelId } & RowDataPacket)[]>(
      `SELECT id AS channel FROM channels WHERE topic = '${topicName(0)}'`,
    );
    const places = channels.map(({ channel }) => ({ channel, topic: topicName(0) }));
    const searches: [name: string, ask: () => Promise<unknown>][] = [
      ['id', () => inspector.recordsAt(id, places)],
      [
        'key',
        () =>
          inspector.recordsBy(
            { name: KEY_TERM, value: keyOf(0, n) },
            { ...window, topic: undefined, after: 0, before: 0, states: [] },
            START,
          ),
      ],
      ['topic, state, time', () => inspector.records({ ...window, states: ['acked'] }, START)],
      ['dead letters', () => backlogs.dead({ ...window, ids: undefined, reason: '' }, START)],
      // Of a time before all others: it finds nothing, and is planned like any other.
      ['pruning', () => schedule.prune(1, 500)],
    ];
    for (const [search, ask] of searches) {
      connection.heard.length = 0;
      await ask();
      for (const sql of connection.heard.splice(0)) {
        const [rows] = await database.query<PlanRow[]>(`EXPLAIN ${sql}`);
        for (const row of rows) if (isOurs(row)) plans.push(planOf(search, row));
      }
    }
    return plans;
  } finally {
    await connection.stop();
    await database.end();
  }
}

/** A connection that keeps what it is asked. */
class Listening extends MysqlConnection {
  readonly heard: string[] = [];

  override once<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return super.once((session) => {
      const ask = session.rows.bind(session);
      session.rows = (sql) => {
        if (sql.trimStart().startsWith('SELECT') || sql.trimStart().startsWith('(')) this.heard.push(sql);
        return ask(sql);
      };
      return work(session);
    });
  }
}

interface PlanRow extends RowDataPacket {
  readonly table: string | null;
  readonly type: string | null;
  readonly key: string | null;
  readonly rows: number | string | null;
  readonly Extra: string | null;
}

/** The tables that grow; names of topics and gateways are few. */
function isOurs({ table, key }: PlanRow): boolean {
  return table !== null && key !== null && !/^(t|n|topics|nodes)$/.test(table) && !table.startsWith('<');
}

function planOf(search: string, row: PlanRow): Plan {
  const { table, type, key, rows, Extra } = row;
  return { search, table: table ?? '', type: type ?? '', key: key ?? '', rows: String(rows ?? ''), extra: Extra ?? '' };
}
