import { numbered } from '../dialect.js';
import {
  type Cells,
  cells,
  count,
  type Database,
  type Handle,
  hasMethods,
  runSteps,
  type Steps,
  type Value,
} from './handle.js';

/** A `Client`, `PoolClient` or `Pool` of `pg`. */
export interface Pg {
  query(sql: string, values?: Value[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

interface PgPoolClient extends Pg {
  release(error?: boolean): void;
}

interface PgPool extends Pg {
  connect(): Promise<PgPoolClient>;
}

/** The handle for what `pg` gives; undefined for anything else. */
export function pgHandle(tx: unknown): Handle | undefined {
  if (isPool(tx)) return new PgDatabase(tx);
  return isPg(tx) ? new PgHandle(tx) : undefined;
}

class PgHandle implements Handle {
  readonly dialect = 'postgres';

  constructor(readonly client: Pg) {}

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    return cells((await this.#run(sql, values)).rows);
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    return count((await this.#run(sql, values)).rowCount);
  }

  #run(sql: string, values: readonly Value[] = []): Promise<{ rows: unknown[]; rowCount: number | null }> {
    return this.client.query(numbered(sql), [...values]);
  }
}

class PgDatabase extends PgHandle implements Database {
  readonly outside = { what: 'a Pool of pg', instead: 'the client on which the transaction is open' };

  constructor(readonly pool: PgPool) {
    super(pool);
  }

  async transaction<T>(steps: () => Steps<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const result = await runSteps(new PgHandle(client), steps());
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      // One that cannot even roll back is not fit for the pool.
      await client.query('ROLLBACK').then(
        () => client.release(),
        () => client.release(true),
      );
      throw error;
    }
  }
}

function isPg(tx: unknown): tx is Pg {
  return hasMethods(tx, 'query') && ('connectionParameters' in tx || isPool(tx));
}

function isPool(tx: unknown): tx is PgPool {
  return hasMethods(tx, 'query', 'connect') && 'totalCount' in tx && 'waitingCount' in tx;
}
