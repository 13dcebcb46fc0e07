import { BusError } from '../../model/errors.js';

/**
 * What a failure means for the work that it stopped.
 *
 * - `conflict`: the server rolled it back for the sake of another transaction; the connection is good, and it may run again.
 * - `away`: the server is gone, going, or cannot write for now. Whether the work took effect is not known.
 * - `final`: the work itself is wrong, and would fail again.
 */
export type Fault = 'conflict' | 'away' | 'final';

const CONFLICTS: ReadonlySet<number> = new Set([
  1020, // the record changed since it was read (MariaDB)
  1205, // lock wait timeout
  1213, // deadlock
  1614, // transaction branch rolled back by a deadlock
  3058, // deadlock in user-level locks
  3572, // a lock was not granted at once
]);

const AWAY: ReadonlySet<number> = new Set([
  1021, // disk full
  1037, // out of memory
  1038,
  1040, // too many connections
  1041,
  1042, // bad host
  1043, // bad handshake
  1044, // no rights on the database
  1045, // access denied
  1047, // unknown command: a Galera node that is not part of the cluster answers so
  1049, // unknown database
  1053, // shutting down
  1077,
  1078,
  1079,
  1080,
  1114, // table full
  1129, // host blocked
  1130, // host not allowed
  1142, // no rights on the table
  1152, // aborted connection
  1154,
  1155,
  1156,
  1157,
  1158, // network read and write faults
  1159,
  1160,
  1161,
  1180, // commit failed
  1184,
  1189,
  1190,
  1203, // the user has too many connections
  1218,
  1226, // the user is over a limit
  1290, // read-only after a failover
  1317, // query interrupted
  1396,
  1637, // too many transactions
  1698, // access denied
  1792, // read-only transaction
  1836, // read-only mode
  1873, // access denied
  1927, // connection killed (MariaDB)
  1969, // over the statement time (MariaDB)
  2006, // server has gone away
  2013, // lost connection
  3024, // over the statement time (MySQL)
  3100, // a replication plugin refused the commit
  3101,
  3118, // account locked
  3169, // session killed
  3980, // replication group: the member left, or is not writable
  4031, // disconnected for inactivity
  4151, // access denied, account locked (MariaDB)
]);

/** Refusals of one more connection, which say nothing of those that are open. */
const CROWDED: ReadonlySet<number> = new Set([1040, 1203, 1226]);

/** Somebody else wrote a row since this transaction looked: it must look again. */
export class LostRace extends Error {
  override readonly name = 'LostRace';
}

/** The table does not exist. */
export const NO_SUCH_TABLE = 1146;
/** The database does not exist. */
export const NO_SUCH_DATABASE = 1049;
/** The column is there already. */
export const DUPLICATE_COLUMN = 1060;
/** Somebody else wrote the row. */
export const DUPLICATE_ENTRY = 1062;

/** The server's number of an error; undefined for errors of other kinds, such as lost connections. */
export function errorNumber(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errno' in error)) return undefined;
  // The system's own errors carry negative numbers.
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}

export function faultOf(error: unknown): Fault {
  if (error instanceof LostRace) return 'conflict';
  const number = errorNumber(error);
  if (number !== undefined) {
    if (CONFLICTS.has(number)) return 'conflict';
    return AWAY.has(number) ? 'away' : 'final';
  }
  if (!(error instanceof Error) || error instanceof BusError) return 'final';
  // Faults of ours, some of which Node gives a code.
  if (error instanceof TypeError || error instanceof RangeError) return 'final';
  // What mysql2 says of a lost or closed connection has a code, or is marked fatal; a closed pool has neither.
  if ('code' in error && typeof error.code === 'string') return 'away';
  if ('fatal' in error && error.fatal === true) return 'away';
  return error.message === 'Pool is closed.' ? 'away' : 'final';
}

/** The server has no place for one more connection. */
export function isCrowded(error: unknown): boolean {
  return CROWDED.has(errorNumber(error) ?? 0);
}

export function unavailable(problem: string, cause?: unknown): BusError {
  return new BusError('LEDGER_UNAVAILABLE', `the ledger cannot be reached: ${problem}`, { cause });
}

/** Why the server cannot be used, in words that follow "MySQL at host:port". No secrets: no server repeats a password. */
export function describe(error: unknown, user: string, database: string): string {
  switch (errorNumber(error)) {
    case 1045:
    case 1698:
    case 1873:
    case 3118:
    case 4151:
      return `refuses the user "${user}": the user name or the password is wrong`;
    case 1044:
    case 1142:
      return `does not let the user "${user}" work in the database "${database}": it does not exist and may not be created, or rights are missing`;
    case NO_SUCH_DATABASE:
      return `has no database "${database}"`;
    case 1290:
    case 1792:
    case 1836:
      return 'is read-only: it may be a replica, or fail over at this moment';
    case 1040:
    case 1203:
      return 'has too many connections';
    case 1129:
    case 1130:
      return 'does not let this host connect';
  }
  if (!(error instanceof Error)) return 'cannot be used';
  // Node gives the failure of several addresses of one host as an error without words, but with a code.
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === 'PROTOCOL_SEQUENCE_TIMEOUT') return 'does not answer';
  if (code === 'PROTOCOL_CONNECTION_LOST') return 'closed the connection';
  return `cannot be used: ${error.message.slice(0, 200) || code || error.name}`;
}
