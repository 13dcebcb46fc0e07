import {
  type Cells,
  cells,
  count,
  type Database,
  hasMethods,
  property,
  type Steps,
  type SyncHandle,
  type Value,
} from './handle.js';

/** A database of `better-sqlite3`, `node:sqlite` or `@photostructure/sqlite`. They answer at once. */
export interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

interface SqliteStatement {
  run(...values: Value[]): { changes: number | bigint };
  all(...values: Value[]): unknown[];
}

/** The handle for a database of SQLite; undefined for anything else. */
export function sqliteHandle(tx: unknown): (SyncHandle & Database) | undefined {
  return isSqlite(tx) ? new SqliteHandle(tx) : undefined;
}

class SqliteHandle implements SyncHandle, Database {
  readonly dialect = 'sqlite';

  constructor(readonly database: Sqlite) {}

  /** By its name in node:sqlite, or in better-sqlite3. */
  get inTransaction(): boolean {
    return property(this.database, 'isTransaction') === true || property(this.database, 'inTransaction') === true;
  }

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    return this.#all(sql, values);
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    return this.executeSync(sql, values);
  }

  executeSync(sql: string, values: readonly Value[] = []): number {
    return count(this.database.prepare(sql).run(...values).changes);
  }

  async transaction<T>(steps: () => Steps<T>): Promise<T> {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = this.#run(steps());
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      this.database.exec('ROLLBACK');
      throw error;
    }
  }

  #run<T>(steps: Steps<T>): T {
    for (let step = steps.next(); ; ) {
      if (step.done === true) return step.value;
      const { sql, values, rows } = step.value;
      const answer =
        rows === true
          ? { rows: this.#all(sql, values), changed: 0 }
          : { rows: [], changed: this.executeSync(sql, values) };
      step = steps.next(answer);
    }
  }

  #all(sql: string, values: readonly Value[] = []): readonly Cells[] {
    return cells(this.database.prepare(sql).all(...values));
  }
}

function isSqlite(tx: unknown): tx is Sqlite {
  return hasMethods(tx, 'exec', 'prepare') && !hasMethods(tx, 'query');
}
