import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { ClusterSpace } from '../support/cluster-space.js';
import type { GatewayGroup, Settings } from '../support/gateway.js';
import type { Stage } from './stage.js';

/** Somebody else's session on the database of the gateways; it ends with the stage. */
export async function session(stage: Stage, group: GatewayGroup): Promise<Connection> {
  const connection = await createConnection(spaceOf(group).databaseUrl);
  // A server that goes away takes it along.
  connection.on('error', () => {});
  stage.atEnd(async () => connection.destroy());
  return connection;
}

export async function rows<T>(connection: Connection, sql: string): Promise<T[]> {
  const [found] = await connection.query<(T & RowDataPacket)[]>(sql);
  return found;
}

/** Settings of a gateway whose user may do what a gateway needs, in its own database, and nothing else: as in production. */
export async function plainUser(connection: Connection, group: GatewayGroup): Promise<Settings> {
  const user = 'gateway';
  await connection.query(`CREATE USER IF NOT EXISTS ${user}@'%' IDENTIFIED BY '${user}'`);
  await connection.query(`GRANT ALL PRIVILEGES ON ${spaceOf(group).database}.* TO ${user}@'%'`);
  return { DB_USERNAME: user, DB_PASSWORD: user };
}

/** The numbers of the connections that this user has. */
export async function connectionsOf(connection: Connection, user: string): Promise<number[]> {
  const found = await rows<{ id: number }>(
    connection,
    `SELECT id FROM information_schema.processlist WHERE user = '${user}'`,
  );
  return found.map(({ id }) => id);
}

/** Ends them; one that ended by itself meanwhile is no fault. */
export async function kill(connection: Connection, ids: readonly number[]): Promise<void> {
  for (const id of ids) await connection.query(`KILL ${id}`).catch(() => undefined);
}

function spaceOf({ space }: GatewayGroup): ClusterSpace {
  if (space === undefined) throw new Error('gateways of the embedded engine have no MySQL');
  return space;
}
