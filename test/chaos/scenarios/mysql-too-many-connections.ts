import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { plainClient, refused } from '../refusals.js';
import type { Scenario } from '../scenario.js';
import { connectionsOf, kill, plainUser, rows, session } from '../sql.js';
import type { Stage } from '../stage.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** The fewest that MariaDB can be told. */
const FEWEST = 10;
const TOO_MANY = 1040;
/** What the gateway is left in the end: one is for its schema, and one is the administrator's. */
const PLACES = 4;

export const mysqlTooManyConnections: Scenario = {
  name: 'mysql-too-many-connections',
  title: "MySQL's connections are all taken by others, and the gateway's own are ended",
  engines: ['cluster'],
  async play(stage) {
    const mysql = await stage.borrow('mysql');
    const group = await stage.group({ mysql: mysql.url });
    const admin = await session(stage, group);
    const user = await plainUser(admin, group);
    const gateway = await group.start({ DLMExpiration: 1, ...user });
    const witness = Witness.of(stage, gateway);
    const mix = { delayed: 0.1, nacked: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    await traffic.flows(stage.pick(5_000, 500));

    const [limit] = await rows<{ most: number }>(admin, 'SELECT @@GLOBAL.max_connections most');
    await admin.query(`SET GLOBAL max_connections = ${FEWEST}`);
    const hogs = new Hogs(stage, mysql.url);
    await crowdOut(admin, hogs);
    await Promise.all([
      delay(stage.pick(60_000, 4_000)),
      witness.says(['mysql']),
      traffic.flows(500, 20_000),
      refused(plainClient(stage, gateway), { topic: 'aside', delayMs: 1_000 }, 2_000),
    ]);
    if (!gateway.log().includes('too many connections')) throw new Error('the log does not say what is wrong');

    hogs.leave(PLACES);
    const recovered = await traffic.recovered();
    await witness.says([]);
    // It would open more, and lives with what it gets.
    const from = gateway.log().length;
    await traffic.flows(stage.pick(20_000, 1_000));
    const outcome = await traffic.finish(recovered);
    witness.check();
    await admin.query(`SET GLOBAL max_connections = ${limit?.most}`);
    if (gateway.log().slice(from).includes('MySQL is away')) throw new Error('one connection less is no outage');
    return outcome;
  },
};

/** Ends what the gateway has, and takes its place, until it has none. */
async function crowdOut(admin: Connection, hogs: Hogs): Promise<void> {
  for (;;) {
    const ids = await connectionsOf(admin, 'gateway');
    if (ids.length === 0) return;
    await Promise.all([kill(admin, ids), hogs.take()]);
  }
}

/** Connections of somebody who lets none go. */
class Hogs {
  readonly #taken: Connection[] = [];

  constructor(
    stage: Stage,
    private readonly url: string,
  ) {
    stage.atEnd(async () => this.leave(this.#taken.length));
  }

  /** All that there are, and the one that is kept for administrators. */
  async take(): Promise<void> {
    for (;;) {
      try {
        const connection = await createConnection(this.url);
        connection.on('error', () => {});
        this.#taken.push(connection);
      } catch (error) {
        if (error instanceof Error && 'errno' in error && error.errno === TOO_MANY) return;
        throw error;
      }
    }
  }

  leave(places: number): void {
    for (const connection of this.#taken.splice(0, places)) connection.destroy();
  }
}
