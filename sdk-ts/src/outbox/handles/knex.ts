import { type Dialect, dialectNamed } from '../dialect.js';
import { type Cells, cells, count, type Handle, hasMethods, type Outside, property, type Value } from './handle.js';

/** A transaction of Knex, or Knex itself. */
export interface Knex {
  raw(sql: string, bindings: Value[]): PromiseLike<unknown>;
}

/** The handle for what Knex gives; undefined for anything else. */
export function knexHandle(tx: unknown): Handle | undefined {
  if (typeof tx !== 'function' || !isKnex(tx)) return undefined;
  const dialect = dialectNamed(property(property(tx, 'client'), 'dialect'));
  return dialect === undefined ? undefined : new KnexHandle(tx, dialect);
}

class KnexHandle implements Handle {
  constructor(
    readonly knex: Knex,
    readonly dialect: Dialect,
  ) {}

  get outside(): Outside | undefined {
    if (property(this.knex, 'isTransaction') === true) return undefined;
    return { what: 'Knex itself', instead: 'the transaction that knex.transaction() gives' };
  }

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    const result = await this.#run(sql, values);
    if (this.dialect === 'postgres') return cells(property(result, 'rows'));
    return cells(this.dialect === 'mysql' && Array.isArray(result) ? result[0] : result);
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    const result = await this.#run(sql, values);
    if (this.dialect === 'postgres') return count(property(result, 'rowCount'));
    if (this.dialect === 'mysql') return count(property(Array.isArray(result) ? result[0] : result, 'affectedRows'));
    // Knex keeps what SQLite said to itself.
    const [row] = await this.query('SELECT changes() AS changed');
    return count(row?.changed);
  }

  async #run(sql: string, values: readonly Value[] = []): Promise<unknown> {
    return await this.knex.raw(sql, [...values]);
  }
}

function isKnex(tx: unknown): tx is Knex {
  return hasMethods(tx, 'raw') && property(tx, 'client') !== undefined;
}
