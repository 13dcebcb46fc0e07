import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Config } from '../../config/schema.js';
import { isLoopback } from '../../model/loopback.js';
import { atLeastVersion, type Check, clockCheck, fail, ok, reasonOf, warn } from './check.js';

const TIMEOUT_MS = 5_000;
const RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER', 'INDEX', 'DROP'];

interface Facts extends RowDataPacket {
  readonly version: string;
  readonly now: string;
  readonly connections: number;
  readonly readOnly: number;
}

interface Named extends RowDataPacket {
  readonly name: string;
}

/** Reads only: nothing is made or migrated. */
export async function checkMysql(config: Config): Promise<Check[]> {
  const { DB_HOST: host, DB_PORT: port, DB_USERNAME: user, DB_PASSWORD: password } = config;
  let connection: Connection | undefined;
  try {
    connection = await createConnection({ host, port, user, password, connectTimeout: TIMEOUT_MS });
    return await checksOf(connection, config);
  } catch (error) {
    const reason = reasonOf(error);
    const advice = /access denied/i.test(reason)
      ? 'check DB_USERNAME and DB_PASSWORD, and the hosts that the user may come from'
      : 'start it, or mend DB_HOST and DB_PORT; look at firewalls between';
    return [fail('mysql', `${host}:${port}: ${reason}`, advice)];
  } finally {
    connection?.destroy();
  }
}

async function checksOf(connection: Connection, config: Config): Promise<Check[]> {
  const asked = Date.now();
  const [[facts]] = await connection.query<Facts[]>(
    `SELECT VERSION() AS version, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS CHAR) AS now,
            @@max_connections AS connections, @@read_only AS readOnly`,
  );
  const answered = Date.now();
  if (facts === undefined) return [fail('mysql', 'answers nothing', 'look at its log')];
  return [
    versionCheck(facts.version),
    clockCheck('mysql clock', Number(facts.now), asked, answered),
    facts.readOnly === 0
      ? ok('mysql writes', 'allowed')
      : fail('mysql writes', 'the server is read only', 'point DB_HOST at the primary'),
    connectionsCheck(facts.connections, config.BackConsumerGoroutineNum),
    await databaseCheck(connection, config.DB_DATABASE),
    await rightsCheck(connection),
    isLoopback(config.DB_HOST)
      ? ok('mysql tls', 'plain, on this machine')
      : warn('mysql tls', 'plain over a network', 'keep it in a private network, or put a TLS tunnel between'),
  ];
}

function versionCheck(version: string): Check {
  const maria = /mariadb/i.test(version);
  const least = maria ? '10.6' : '8.0';
  const found = `${maria ? 'MariaDB' : 'MySQL'} ${version}`;
  return atLeastVersion(version, least) ? ok('mysql', found) : fail('mysql', found, `upgrade to ${least} or newer`);
}

function connectionsCheck(most: number, each: number): Check {
  const found = `max_connections ${most}, a gateway holds up to ${each + 1}`;
  return most > each + 1
    ? ok('mysql connections', found)
    : fail('mysql connections', found, 'raise max_connections, or lower BackConsumerGoroutineNum');
}

async function databaseCheck(connection: Connection, database: string): Promise<Check> {
  const [rows] = await connection.query<Named[]>(
    'SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name = ?',
    [database],
  );
  return rows.length > 0
    ? ok('mysql database', `${database} exists`)
    : warn(
        'mysql database',
        `${database} does not exist, or may not be seen`,
        'the gateway makes it where its user may; else make it',
      );
}

async function rightsCheck(connection: Connection): Promise<Check> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW GRANTS');
  const grants = rows.map((row) => Object.values(row).join(' ').toUpperCase()).join('\n');
  const missing = grants.includes('ALL PRIVILEGES') ? [] : RIGHTS.filter((right) => !grants.includes(right));
  return missing.length === 0
    ? ok('mysql rights', 'enough')
    : warn(
        'mysql rights',
        `not granted: ${missing.join(', ')}`,
        `GRANT ${missing.join(', ')} on the database to this user`,
      );
}
