import { type Connection, createConnection } from 'mysql2/promise';
import { livesWithoutMysql, plainGateway } from '../plain-gateway.js';
import type { Scenario } from '../scenario.js';
import { connectionsOf, kill, rows } from '../sql.js';
import type { Stage } from '../stage.js';

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
    const plain = await plainGateway(stage);
    const { mysql, admin, gateway, witness, traffic } = plain;

    const [limit] = await rows<{ most: number }>(admin, 'SELECT @@GLOBAL.max_connections most');
    await admin.query(`SET GLOBAL max_connections = ${FEWEST}`);
    const hogs = new Hogs(stage, mysql.url);
    await crowdOut(admin, hogs);
    await livesWithoutMysql(stage, plain, 'too many connections');

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
