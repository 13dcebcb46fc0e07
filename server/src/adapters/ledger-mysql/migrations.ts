import { type Connection, createConnection, escapeId, type RowDataPacket } from 'mysql2/promise';
import { StartError } from '../../model/errors.js';
import { DUPLICATE_COLUMN, errorNumber, NO_SUCH_DATABASE, NO_SUCH_TABLE } from './errors.js';
import { ledgerTables } from './migrations/001-ledger.js';
import { aliasTable } from './migrations/002-aliases.js';
import { operatorTables } from './migrations/003-operator.js';
import { dueShardIndex } from './migrations/004-due-shard.js';
import { searchTables } from './migrations/005-search.js';
import { cronTable } from './migrations/006-cron.js';

/**
 * The schema, step by step; a step that was released never changes. MySQL commits every DDL statement by itself, so a crash
 * may leave a step half done: each statement must be safe to repeat.
 */
const MIGRATIONS: readonly { readonly version: number; readonly statements: readonly string[] }[] = [
  { version: 1, statements: ledgerTables },
  { version: 2, statements: aliasTable },
  { version: 3, statements: operatorTables },
  { version: 4, statements: dueShardIndex },
  { version: 5, statements: searchTables },
  { version: 6, statements: cronTable },
];

const LATEST = MIGRATIONS.length;
const LOCK_SECONDS = 30;
/** A step may rebuild a large table. */
const STEP_TIMEOUT_MS = 3_600_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** The words follow "MySQL at host:port". */
export class SchemaTooNew extends StartError {
  override readonly name = 'SchemaTooNew';
}

export interface DatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connectTimeout: number;
}

/**
 * Brings the database to what this gateway needs, and proves that it can be written. Gateways may do so at the same time:
 * one works, the others wait for it. Throws SchemaTooNew for a schema that only a newer gateway understands.
 */
export async function prepareDatabase(options: DatabaseOptions): Promise<{ packetBytes: number }> {
  const connection = await connect(options);
  try {
    let version = await versionOf(connection, options.database);
    if (version < LATEST) version = await migrate(connection, options.database);
    // Changes nothing, and is refused by a server that is read-only.
    await connection.query({ sql: `DELETE FROM fences WHERE name = ''`, timeout: ANSWER_TIMEOUT_MS });
    const sql = 'SELECT @@max_allowed_packet AS bytes';
    const [rows] = await connection.query<({ bytes: number } & RowDataPacket)[]>({ sql, timeout: ANSWER_TIMEOUT_MS });
    return { packetBytes: rows[0]?.bytes ?? 0 };
  } finally {
    connection.destroy();
  }
}

async function connect({ database, ...server }: DatabaseOptions): Promise<Connection> {
  const options = {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    connectTimeout: server.connectTimeout,
    charset: 'utf8mb4',
  };
  try {
    return guarded(await createConnection({ ...options, database }));
  } catch (error) {
    if (errorNumber(error) !== NO_SUCH_DATABASE) throw error;
  }
  const connection = guarded(await createConnection(options));
  try {
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${escapeId(database)} CHARACTER SET utf8mb4`);
    await connection.query(`USE ${escapeId(database)}`);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** A loss of the connection also fails the statement under way; without a listener it would end the process. */
function guarded(connection: Connection): Connection {
  connection.on('error', () => undefined);
  return connection;
}

async function versionOf(connection: Connection, database: string): Promise<number> {
  let version = 0;
  try {
    const sql = 'SELECT COALESCE(MAX(version), 0) AS version FROM waybill_migrations';
    const [rows] = await connection.query<({ version: number } & RowDataPacket)[]>({ sql, timeout: ANSWER_TIMEOUT_MS });
    version = rows[0]?.version ?? 0;
  } catch (error) {
    if (errorNumber(error) !== NO_SUCH_TABLE) throw error;
  }
  if (version <= LATEST) return version;
  throw new SchemaTooNew(
    `holds a newer gateway's data: the schema of the database "${database}" is version ${version}, and this gateway knows up to ${LATEST}`,
  );
}

async function migrate(connection: Connection, database: string): Promise<number> {
  // Named locks are the whole server's, and their names are at most 64 characters.
  const lock = `CONCAT('waybill.', SHA1(DATABASE()))`;
  const [rows] = await connection.query<({ got: number | null } & RowDataPacket)[]>({
    sql: `SELECT GET_LOCK(${lock}, ${LOCK_SECONDS}) AS got`,
    timeout: LOCK_SECONDS * 1_000 + ANSWER_TIMEOUT_MS,
  });
  if (rows[0]?.got !== 1) throw migrationBusy();
  await connection.query(`CREATE TABLE IF NOT EXISTS waybill_migrations (
    version INT UNSIGNED NOT NULL PRIMARY KEY,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
  ) ENGINE = InnoDB`);
  // Another gateway may have finished while this one waited for the lock.
  const version = await versionOf(connection, database);
  for (const step of MIGRATIONS.slice(version)) {
    for (const sql of step.statements) await apply(connection, sql);
    await connection.query(`INSERT IGNORE INTO waybill_migrations (version) VALUES (${step.version})`);
  }
  await connection.query(`SELECT RELEASE_LOCK(${lock})`);
  return LATEST;
}

/** A column that a step added before it was cut off is there; only MariaDB could say IF NOT EXISTS. */
async function apply(connection: Connection, sql: string): Promise<void> {
  try {
    await connection.query({ sql, timeout: STEP_TIMEOUT_MS });
  } catch (error) {
    if (errorNumber(error) !== DUPLICATE_COLUMN) throw error;
  }
}

function migrationBusy(): Error {
  return Object.assign(new Error('another gateway is changing its schema'), { code: 'MIGRATION_BUSY' });
}
