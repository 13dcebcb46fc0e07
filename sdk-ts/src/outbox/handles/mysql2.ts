import {
  type Cells,
  cells,
  count,
  type Database,
  type Handle,
  hasMethods,
  property,
  runSteps,
  type Steps,
  type Value,
} from './handle.js';

/** A connection or pool of `mysql2/promise`. */
export interface Mysql2 {
  query(sql: string, values?: unknown): Promise<[unknown, unknown]>;
  execute(sql: string, values?: Value[]): Promise<[unknown, unknown]>;
}

/** A connection or pool of `mysql2` with callbacks. */
export interface Mysql2Callback {
  query(sql: string, ...rest: never[]): unknown;
  execute(sql: string, ...rest: never[]): unknown;
  promise(): Mysql2;
}

interface Mysql2PoolConnection extends Mysql2 {
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  release(): void;
  destroy(): void;
}

interface Mysql2Pool extends Mysql2 {
  getConnection(): Promise<Mysql2PoolConnection>;
}

/** The handle for what `mysql2` gives; undefined for anything else. */
export function mysql2Handle(tx: unknown): Handle | undefined {
  if (isCallback(tx)) return mysql2Handle(tx.promise());
  if (isPool(tx)) return new Mysql2Database(tx);
  return isMysql2(tx) ? new Mysql2Handle(tx) : undefined;
}

class Mysql2Handle implements Handle {
  readonly dialect = 'mysql';

  constructor(readonly connection: Mysql2) {}

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    return cells(await this.#run(sql, values));
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    return count(property(await this.#run(sql, values), 'affectedRows'));
  }

  // Values travel beside the statement: no escaping, which would hang on the session's sql_mode, and bodies go as they are.
  async #run(sql: string, values: readonly Value[] = []): Promise<unknown> {
    const [result] =
      values.length === 0 ? await this.connection.query(sql) : await this.connection.execute(sql, [...values]);
    return result;
  }
}

class Mysql2Database extends Mysql2Handle implements Database {
  readonly outside = { what: 'a pool of mysql2', instead: 'the connection on which the transaction is open' };

  constructor(readonly pool: Mysql2Pool) {
    super(pool);
  }

  async transaction<T>(steps: () => Steps<T>): Promise<T> {
    const connection = await this.pool.getConnection();
    try {
      await connection.beginTransaction();
      const result = await runSteps(new Mysql2Handle(connection), steps());
      await connection.commit();
      connection.release();
      return result;
    } catch (error) {
      // One that cannot even roll back is not fit for the pool.
      await connection.rollback().then(
        () => connection.release(),
        () => connection.destroy(),
      );
      throw error;
    }
  }
}

function isMysql2(tx: unknown): tx is Mysql2 {
  return hasMethods(tx, 'query', 'execute') && !isCallback(tx);
}

function isPool(tx: unknown): tx is Mysql2Pool {
  return isMysql2(tx) && hasMethods(tx, 'getConnection');
}

function isCallback(tx: unknown): tx is Mysql2Callback {
  return hasMethods(tx, 'query', 'execute', 'promise');
}
