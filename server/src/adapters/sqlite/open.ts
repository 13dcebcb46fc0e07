import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { StartError } from '../../model/errors.js';
import { faultOf, isBusy } from './faults.js';
import { MIGRATIONS } from './migrations.js';
import type { Statement } from './statement.js';

/**
 * Opens the data file for this process alone, and brings its schema up to date.
 *
 * SQLite's own exclusive lock keeps others out: the system drops it with the process, however that ends. The pid beside the
 * file is only told to whoever finds it locked.
 */
export function openFile(file: string, migrations = MIGRATIONS): DatabaseSyncInstance {
  makeFolder(file);
  const database = new DatabaseSync(file, { open: false });
  try {
    database.open();
    // The exclusive mode must come first: then the journal needs no memory shared between processes.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    // Every commit is on the disk before it is answered.
    database.exec('PRAGMA synchronous = FULL');
    // A checkpoint costs two more syncs and a second write of each page: at 16 MB instead of 4 MB, small frames went from
    // 40,000 to 70,000 a second.
    database.exec('PRAGMA wal_autocheckpoint = 4000');
    // After a burst the log gives its room back.
    database.exec('PRAGMA journal_size_limit = 67108864');
    database.exec('PRAGMA cache_size = -32000');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    migrate(database, file, migrations);
    writeFileSync(pidFile(file), `${process.pid}\n`);
    return database;
  } catch (error) {
    if (!isBusy(error)) unlock(database);
    if (database.isOpen) database.close();
    throw explained(error, file);
  }
}

export function closeFile(database: DatabaseSyncInstance, file: string): void {
  rmSync(pidFile(file), { force: true });
  unlock(database);
  database.close();
}

export function pidFile(file: string): string {
  return `${file}.pid`;
}

/**
 * The package's `close` leaves the file locked until the last statement is collected, so the lock is given up first. SQLite
 * does that when it leaves the write-ahead log, whose content goes to the file.
 */
function unlock(database: DatabaseSyncInstance): void {
  try {
    if (database.isTransaction) database.exec('ROLLBACK');
    database.exec(
      'PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; BEGIN; SELECT 1 FROM sqlite_master; COMMIT',
    );
  } catch {
    // A disk that fails now has failed a commit before. What was committed is in the log, and the lock ends with the process.
  }
}

function makeFolder(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw new StartError(`data file ${file} cannot be used: its folder cannot be made`, { cause: error });
  }
}

function migrate(database: DatabaseSyncInstance, file: string, migrations: readonly string[]): void {
  const version = schemaOf(database);
  if (version > migrations.length) {
    throw new StartError(
      `data file ${file} was written by a newer gateway: its schema is ${version}, this gateway knows ${migrations.length}`,
    );
  }
  for (let step = version; step < migrations.length; step++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[step]}; PRAGMA user_version = ${step + 1}; COMMIT`);
  }
}

function schemaOf(database: DatabaseSyncInstance): number {
  const pragma: Statement<{ user_version: number }> = database.prepare('PRAGMA user_version');
  return pragma.get()?.user_version ?? 0;
}

function explained(error: unknown, file: string): unknown {
  if (isBusy(error)) {
    return new StartError(`data file ${file} is in use by another gateway (pid ${holderOf(file)})`, { cause: error });
  }
  const fault = faultOf(error);
  return fault === undefined ? error : new StartError(`data file ${file} cannot be used: ${fault}`, { cause: error });
}

function holderOf(file: string): string {
  try {
    return readFileSync(pidFile(file), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
